"""Models behind OpenAI's protocol, over real HTTP: what they write, and every way in which they fail."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.llm import Endpoint, OpenAiModel
from domain.prompt import SCHEMA, Prompt
from domain.routing import HOSTED, Link
from ports.errors import Refused, Unavailable
from ports.outbound.language import Busy
from tests.fakes.model_server import ModelServer, answer_of, serving

pytestmark = pytest.mark.anyio

ASKED = Prompt("t-1", "Be brief.", '{"question": "?"}', 50, 0.0)
SAID = answer_of([("Click Save.", 1)])


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    made = ModelServer(lambda _: SAID)
    async with serving(made):
        yield made


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OpenAiModel]:
    link = Link("fake", HOSTED, 8_000)
    opened = OpenAiModel(Endpoint(server.url, "key", "fake-1", link), failures=3, rest=0.5)
    yield opened
    await opened.aclose()


async def test_an_answer_comes_whole_with_what_it_cost(server: ModelServer, model: OpenAiModel) -> None:
    writing = await model.write(ASKED)

    assert (writing.text, writing.prompt_tokens, writing.completion_tokens) == (SAID, 100, 20)
    assert writing.first_token_ms is not None
    [asked] = server.asked
    assert [one["role"] for one in asked["messages"]] == ["system", "user"]
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert asked["headers"]["authorization"] == "Bearer key"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("rate_limit", Unavailable, "asks to wait"),
        ("cut", Unavailable, "cut"),
        ("invalid_json", Unavailable, "malformed"),
        ("not_json", Unavailable, "cut"),
        ("refusal", Refused, "refuses to answer"),
        ("endless", Refused, "does not end"),
        ("bad_request", Refused, "400"),
    ],
)
async def test_a_fault_is_told_as_what_it_is(
    server: ModelServer, model: OpenAiModel, fault: str, kind: type[Exception], words: str
) -> None:
    server.faults = [fault]

    with pytest.raises(kind, match=words):
        await model.write(ASKED)


async def test_a_failure_at_the_door_is_tried_again_once(server: ModelServer, model: OpenAiModel) -> None:
    server.faults = ["error"]

    assert (await model.write(ASKED)).text == SAID
    assert len(server.asked) == 2


async def test_retries_have_a_budget(server: ModelServer) -> None:
    link = Link("fake", HOSTED, 8_000)
    model = OpenAiModel(Endpoint(server.url, "", "fake-1", link), failures=1_000)
    server.faults = ["error"] * 40

    for _ in range(20):
        with pytest.raises(Unavailable):
            await model.write(ASKED)

    assert len(server.asked) <= 20 + 3 + 2
    await model.aclose()


async def test_an_endpoint_that_fails_repeatedly_is_left_alone_and_tried_again_later(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.faults = ["cut"] * 3
    for _ in range(3):
        with pytest.raises(Unavailable):
            await model.write(ASKED)
    calls = len(server.asked)
    for _ in range(5):
        with pytest.raises(Busy):
            await model.write(ASKED)

    assert len(server.asked) == calls
    await asyncio.sleep(0.6)
    assert (await model.write(ASKED)).text == SAID
    assert (await model.write(ASKED)).text == SAID


async def test_a_refusal_is_no_failure_of_the_endpoint(server: ModelServer, model: OpenAiModel) -> None:
    server.faults = ["refusal"] * 5
    for _ in range(5):
        with pytest.raises(Refused):
            await model.write(ASKED)

    assert (await model.write(ASKED)).text == SAID


async def test_a_call_that_is_given_up_ends_at_the_endpoint_and_counts_as_a_failure(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.faults = ["hang"] * 3
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await model.write(ASKED)
    with pytest.raises(Busy):
        await model.write(ASKED)

    for _ in range(100):
        if server.cancelled == 3:
            break
        await asyncio.sleep(0.02)
    assert server.cancelled == 3


async def test_nobody_there_is_unavailable() -> None:
    model = OpenAiModel(Endpoint("http://127.0.0.1:9/v1", "", "x", Link("x", HOSTED, 100)))

    with pytest.raises(Unavailable, match="cannot be read"):
        await model.write(ASKED)
    await model.aclose()


def test_tokens_are_counted_and_secrets_not_shown() -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "sk-secret", "x", Link("x", HOSTED, 100))

    assert OpenAiModel(endpoint).count("SELECT Id FROM Account") in range(4, 12)
    assert "secret" not in repr(endpoint)
