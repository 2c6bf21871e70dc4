"""The real vLLM server with a toy CodeLlama: protocol, limits, cancellation, overload. `make test-vllm`."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from time import perf_counter

import httpx
import pytest

from adapters.llm import Endpoint, OpenAiModel
from domain.prompt import SCHEMA, Prompt
from domain.routing import LOCAL, Link
from ports.errors import Refused, WorldError

URL = os.environ.get("CASEPILOT_TEST_VLLM", "")
NAME = "codellama-13b-instruct"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.vllm,
    pytest.mark.skipif(not URL, reason="needs a vLLM server: make test-vllm"),
]


def asked(tokens: int, user: str = "How do I bulkify a trigger?") -> Prompt:
    return Prompt("t-1", "You are a test.", user, tokens, 0.0)


@pytest.fixture
async def model() -> AsyncIterator[OpenAiModel]:
    opened = OpenAiModel(Endpoint(URL, "", NAME, Link(NAME, LOCAL, 1_024), structured=False))
    yield opened
    await opened.aclose()


async def test_the_server_names_its_model() -> None:
    async with httpx.AsyncClient() as client:
        found = (await client.get(f"{URL}/models")).json()

    assert [one["id"] for one in found["data"]] == [NAME]
    assert found["data"][0]["max_model_len"] == 1_024


async def test_a_plain_answer_counts_its_tokens() -> None:
    said = [{"role": "user", "content": "Hello"}]
    body = {"model": NAME, "messages": said, "max_tokens": 8, "temperature": 0}
    async with httpx.AsyncClient(timeout=60) as client:
        found = (await client.post(f"{URL}/chat/completions", json=body)).json()

    assert found["choices"][0]["finish_reason"] in {"length", "stop"}
    assert 1 <= found["usage"]["completion_tokens"] <= 8


async def test_a_stream_that_reaches_its_limit_is_told_as_what_it_is(model: OpenAiModel) -> None:
    """Noise seldom ends by itself: the limit is what ends it, and a cut answer is none."""
    with pytest.raises(Refused, match="length"):
        await model.write(asked(12))


async def test_structured_output_follows_our_schema() -> None:
    body = {
        "model": NAME,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 200,
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
    }
    async with httpx.AsyncClient(timeout=120) as client:
        answer = await client.post(f"{URL}/chat/completions", json=body)

    assert answer.status_code == 200, answer.text
    text = answer.json()["choices"][0]["message"]["content"]
    assert text.lstrip().startswith("{")
    if answer.json()["choices"][0]["finish_reason"] == "stop":
        assert set(json.loads(text)) == {"paragraphs"}


async def test_more_than_the_context_is_refused(model: OpenAiModel) -> None:
    with pytest.raises(Refused, match="400"):
        await model.write(asked(50, "limit " * 3_000))


async def test_a_deadline_ends_the_request_at_the_server(model: OpenAiModel) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await model.write(asked(900))

    for _ in range(100):
        if await _running() == 0:
            break
        await asyncio.sleep(0.1)
    assert await _running() == 0


async def test_overload_is_waited_for_or_ends_in_time(model: OpenAiModel) -> None:
    """Twelve at once on a server that takes two: every one ends, by an answer or by its deadline."""
    began = perf_counter()

    async def one() -> str:
        try:
            async with asyncio.timeout(20):
                await model.write(asked(40))
        except TimeoutError:
            return "late"
        except WorldError:
            return "ended"
        return "written"

    ends = await asyncio.gather(*(one() for _ in range(12)))

    assert len(ends) == 12
    assert perf_counter() - began < 40
    assert await _running() == 0


async def _running() -> float:
    """Requests that the server works on, by its own metrics."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(URL.replace("/v1", "/metrics"))).text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(("vllm:num_requests_running", "vllm:num_requests_waiting"))
        and "by_reason" not in line
    )
