"""Answers that language models write, through whole turns, with servers of OpenAI's protocol that fail."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from time import perf_counter
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from adapters.postgres.migrate import owner_engine
from domain.conversation import Channel
from domain.ids import MessageId, UserId
from domain.plan import Plan
from entrypoints.bootstrap import App, open_app
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.listening import NOBODY, Listener
from ports.inbound.reply import Reply
from ports.inbound.start import Start
from tests.builders import ORGANIZATION
from tests.conftest import a_settings
from tests.fakes.model_server import FAULTS, Asked, ModelServer, answer_of, sentences_of, serving

pytestmark = pytest.mark.anyio

PASSWORD = "How do I reset my password?"
SOQL = "My Apex trigger fails with System.LimitException: Too many SOQL queries: 101"
SECONDS, PATIENCE = 1.0, 60.0
"""Of the models: where lateness is tested, and elsewhere, so that a busy machine is no late model."""


def honest(asked: Asked) -> str:
    """Two sentences of the first passage, the second in other words."""
    first, second = first_passage(asked)[:2]
    return answer_of([(first, 1), (f"So {second[0].lower()}{second[1:]}", 1)])


def first_passage(asked: Asked) -> list[str]:
    """The sentences of the first passage that a model was given."""
    return sentences_of(json.loads(asked["messages"][1]["content"])["passages"][0]["text"])


@pytest.fixture(scope="module")
async def hosted() -> AsyncIterator[ModelServer]:
    made = ModelServer(honest)
    async with serving(made):
        yield made


@pytest.fixture(scope="module")
async def local() -> AsyncIterator[ModelServer]:
    made = ModelServer(honest)
    async with serving(made):
        yield made


@pytest.fixture
async def modelled(
    seeded: str, settings: Settings, hosted: ModelServer, local: ModelServer
) -> AsyncIterator[App]:
    """The application with both models, well again and with breakers closed."""
    async with with_models(seeded, settings, hosted, local, PATIENCE) as app:
        yield app


@pytest.fixture
async def hurried(
    seeded: str, settings: Settings, hosted: ModelServer, local: ModelServer
) -> AsyncIterator[App]:
    """The same, in which models have little time."""
    async with with_models(seeded, settings, hosted, local, SECONDS) as app:
        yield app


@asynccontextmanager
async def with_models(
    seeded: str, settings: Settings, hosted: ModelServer, local: ModelServer, seconds: float
) -> AsyncIterator[App]:
    for server in (hosted, local):
        server.writer, server.faults, server.asked = honest, [], []
        server.reached.clear()
    theirs = a_settings(
        seeded,
        settings.redis_url,
        openai_api_key="k",
        openai_url=hosted.url,
        openai_model="outside",
        vllm_url=local.url,
        vllm_model="inside",
        model_seconds=seconds,
    )
    async with open_app(theirs) as app:
        yield app


async def ask(app: App, text: str, listener: Listener = NOBODY, **metadata: object) -> Answer:
    started = await app.start(Start(ORGANIZATION, UserId(uuid4()), Channel.API, metadata))
    command = Reply(ORGANIZATION, started.conversation.id, MessageId(uuid4()), text)
    return msgspec.json.decode(await app.reply(command, listener), type=Answer)


class Reader:
    """A client that reads an answer while it is written."""

    def __init__(self) -> None:
        self.drafts: list[Plan] = []
        self.told: list[str] = []
        self.listener = Listener(
            drafted=self.drafts.append, wrote=self.told.append, reads=True, left=asyncio.Event()
        )


def tried(answer: Answer) -> list[tuple[str, str]]:
    return [(one.model, one.outcome) for one in answer.why.models.attempts] if answer.why.models else []


async def test_a_model_writes_what_passages_hold_and_the_turn_says_so(
    modelled: App, hosted: ModelServer, local: ModelServer
) -> None:
    answer = await ask(modelled, PASSWORD)

    assert (answer.why.route, tried(answer)) == ("outside", [("outside", "written")])
    assert answer.why.models is not None
    assert answer.why.models.prompt == modelled.reply.draft.template.version
    [attempt] = answer.why.models.attempts
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (100, 20)
    assert "So " in answer.response
    assert (await modelled.replay(ORGANIZATION, answer.id)).same
    assert answer.citations
    assert (len(hosted.asked), len(local.asked)) == (1, 0)


async def test_technical_turns_go_inside_first(modelled: App) -> None:
    answer = await ask(modelled, SOQL)

    assert tried(answer) == [("inside", "written")]


async def test_sensitive_turns_stay_inside(modelled: App, hosted: ModelServer, local: ModelServer) -> None:
    local.faults = ["bad_request"]

    answer = await ask(modelled, f"{PASSWORD} my password: hunter2 does not work")

    assert tried(answer) == [("inside", "refused")]
    assert hosted.asked == []
    assert answer.why.route == "extractive"


async def test_what_passages_do_not_hold_is_not_said(
    modelled: App, hosted: ModelServer, local: ModelServer
) -> None:
    hosted.writer = lambda _: answer_of([("Call 555-0100 and pay 40 dollars for a new password.", 1)])
    local.writer = lambda _: "I am sorry, as a language model I cannot."

    answer = await ask(modelled, PASSWORD)

    assert tried(answer) == [("outside", "unsupported"), ("inside", "malformed")]
    assert (answer.why.route, "555" in answer.response) == ("extractive", False)
    assert "Forgot Your Password" in answer.response


async def test_scraps_of_a_passage_are_not_said(modelled: App, hosted: ModelServer) -> None:
    def scraps(asked: Asked) -> str:
        return answer_of([*((one, 1) for one in first_passage(asked)), ("1", 1)])

    hosted.writer = scraps
    answer = await ask(modelled, PASSWORD)

    assert tried(answer)[0] == ("outside", "written")
    assert not re.search(r"(?m)(?:^|\] )1 \[1\]", answer.response)


async def test_personal_data_does_not_leave_and_comes_back(modelled: App, hosted: ModelServer) -> None:
    def echoing(asked: Asked) -> str:
        return answer_of([(first_passage(asked)[0], 1)])

    hosted.writer = echoing
    answer = await ask(
        modelled,
        "How do I reset my password? My mail is jo.smith@example.com, phone +1 202 555 0143. Jo Smith",
        name="Jo Smith",
        email="jo.smith@example.com",
    )

    sent = json.dumps(hosted.asked[-1]["messages"])
    assert not re.search(r"(?i)smith|555 0143", sent)
    assert "[EMAIL_1]" in sent
    assert answer.why.models is not None
    assert answer.why.models.disguised == {"email": 1, "person": 1, "phone": 1}


async def test_who_reads_along_sees_the_passages_answer_first_and_then_what_is_proved(
    modelled: App, hosted: ModelServer
) -> None:
    hosted.faults = ["slowly"]
    hosted.writer = lambda asked: answer_of([(one, 1) for one in first_passage(asked)])
    reader = Reader()

    answer = await ask(modelled, PASSWORD, reader.listener)

    [draft] = reader.drafts
    assert (draft.why.route, bool(draft.citations)) == ("extractive", True)
    assert len(reader.told) > 1
    assert all(after.startswith(before) for before, after in pairwise(reader.told))
    assert answer.response.startswith(reader.told[-1])


async def test_what_is_not_proved_is_not_shown_either(modelled: App, hosted: ModelServer) -> None:
    hosted.faults = ["slowly"]
    hosted.writer = lambda asked: answer_of(
        [("Call 555-0100 and pay 40 dollars.", 1), *[(one, 1) for one in first_passage(asked)[:2]]]
    )
    reader = Reader()

    await ask(modelled, PASSWORD, reader.listener)

    assert reader.told
    assert "555" not in "".join(reader.told)


async def test_models_stop_when_the_customer_leaves_and_the_message_is_answered(
    modelled: App, hosted: ModelServer, local: ModelServer
) -> None:
    hosted.faults = ["hang"]
    reader = Reader()
    asking = asyncio.create_task(ask(modelled, PASSWORD, reader.listener))
    await hosted.reached.wait()
    reader.listener.left.set()

    answer = await asking

    assert (tried(answer), answer.why.route) == ([("outside", "left")], "extractive")
    assert local.asked == []
    for _ in range(100):
        if hosted.cancelled:
            break
        await asyncio.sleep(0.01)
    assert hosted.cancelled


async def test_models_are_counted_by_the_day(modelled: App, settings: Settings) -> None:
    await ask(modelled, PASSWORD)
    for _ in range(2):  # computing them again changes nothing
        await modelled.ports.reports.refresh(ORGANIZATION, datetime.now(UTC).date())

    owner = owner_engine(settings.owner_url)
    async with owner.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT model_name, total_requests, avg_confidence, avg_latency_ms FROM ai.model_performance"
            )
        )
        found = {row[0]: row[1:] for row in rows}
    await owner.dispose()
    requests, confidence, latency = found["outside"]
    assert requests >= 1
    assert 0 < confidence <= 1
    assert latency > 0


async def test_whatever_fails_everybody_is_answered_in_time(
    hurried: App, hosted: ModelServer, local: ModelServer
) -> None:
    dice = random.Random(5)
    for server in (hosted, local):
        server.faults = [dice.choice(FAULTS) if dice.random() < 0.5 else None for _ in range(200)]

    answers, slowest = [], 0.0
    for number in range(40):
        began = perf_counter()
        answers.append(await ask(hurried, PASSWORD if number % 2 else SOQL))
        slowest = max(slowest, perf_counter() - began)

    outcomes = {outcome for answer in answers for _, outcome in tried(answer)}
    assert all(answer.citations for answer in answers)
    assert {"written", "failed"} <= outcomes
    assert slowest < SECONDS + 5  # far above what a busy machine adds
