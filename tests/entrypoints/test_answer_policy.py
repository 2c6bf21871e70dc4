"""Error budgets, money and models, over HTTP and on the command line."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec
import pytest

from domain.conversation import Channel
from domain.ids import MessageId, UserId
from entrypoints.bootstrap import App, open_app
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.reply import Reply
from ports.inbound.start import Start
from ports.outbound.audit import Entry
from tests.builders import ORGANIZATION
from tests.conftest import a_settings
from tests.fakes.model_server import ModelServer, serving
from tests.security.calls import a_client_of, a_started, said

pytestmark = pytest.mark.anyio

POLICY = "/api/v1/answers/policy"
PASSWORD = "How do I reset my password?"


@pytest.fixture(autouse=True)
async def _back(client: httpx.AsyncClient) -> AsyncIterator[None]:
    yield
    await client.put(POLICY, json={})


async def test_an_error_budget_becomes_a_threshold_that_turns_obey(client: httpx.AsyncClient) -> None:
    loose = (await client.put(POLICY, json={"error_budget": 0.2})).json()
    strict = (await client.put(POLICY, json={"error_budget": 0.001, "below": "review"})).json()

    answer = await said(client, await a_started(client), PASSWORD)

    assert 0 <= loose["threshold"] < strict["threshold"]
    assert strict["threshold"] > 1  # no label set is large enough to promise one in a thousand
    assert (await client.get(POLICY)).json() == strict
    assert answer["requires_human_review"] is True
    assert answer["requires_escalation"] is True
    assert answer["citations"] == []


async def test_without_a_policy_answers_are_given_with_a_disclaimer(client: httpx.AsyncClient) -> None:
    answer = await said(client, await a_started(client), PASSWORD)

    assert (answer["requires_human_review"], answer["why"]["outcome"]) == (False, "answered")
    assert answer["disclaimer"].startswith("Written by AI")


@pytest.mark.parametrize("body", [{"error_budget": 2}, {"daily_cost": -1}, {"models": ["x"]}, {"below": "x"}])
async def test_a_policy_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.put(POLICY, json=body)).status_code == 400


async def test_ratings_of_customers_count_for_calibration(client: httpx.AsyncClient) -> None:
    before = (await client.get("/api/v1/answers/calibration")).json()
    path = await a_started(client)
    answer = await said(client, path, PASSWORD)
    rated = {"message_id": answer["id"], "helpful": False}
    assert (await client.post(f"{path}/feedback", json=rated)).status_code == 201

    after = (await client.get("/api/v1/answers/calibration")).json()

    assert (after["labels"], after["rated"]) == (before["labels"] + 1, before["rated"] + 1)
    assert sum(one["count"] for one in after["bins"]) == after["labels"]
    assert [one["budget"] for one in after["bought"]] == [0.02, 0.05, 0.1, 0.15, 0.2]
    coverage = [one["coverage"] for one in after["bought"]]
    assert coverage == sorted(coverage)


async def test_models_stop_when_the_day_has_cost_enough(
    seeded: str, settings: Settings, client: httpx.AsyncClient
) -> None:
    server = ModelServer()
    async with serving(server):
        theirs = a_settings(
            seeded,
            settings.redis_url,
            openai_api_key="k",
            openai_url=server.url,
            openai_model="paid",
            openai_price_in=1_000.0,
            openai_price_out=1_000.0,
        )
        async with open_app(theirs) as app:
            await client.put(POLICY, json={"daily_cost": 0.1})
            first = await asked(app)
            second = await asked(app)
            await client.put(POLICY, json={"models": ["local"]})
            third = await asked(app)

    spending = (await client.get("/api/v1/answers/spending?days=1")).json()
    assert first.why.models is not None
    [attempt] = first.why.models.attempts
    assert attempt.cost == pytest.approx(0.12)  # 100 and 20 tokens at 1,000 dollars a million
    assert second.why.models is None
    assert third.why.models is None
    assert [(one["model"], one["requests"], one["cost"]) for one in spending["items"]] == [("paid", 1, 0.12)]


async def asked(app: App) -> Answer:
    started = await app.start(Start(ORGANIZATION, UserId(uuid4()), Channel.API, {}))
    command = Reply(ORGANIZATION, started.conversation.id, MessageId(uuid4()), PASSWORD)
    return msgspec.json.decode(await app.reply(command), type=Answer)


async def test_who_sets_the_policy_is_on_record(client: httpx.AsyncClient, app: App) -> None:
    before = await trail(app)

    await client.put(POLICY, json={"error_budget": 0.1})

    [entry] = (await trail(app))[: -len(before) or None]
    assert (entry.action, entry.details["error_budget"]) == ("answers.policy", 0.1)


async def test_only_admins_set_the_policy_and_agents_see_it(app: App, settings: Settings) -> None:
    key = await app.ports.keys.issue(ORGANIZATION, "agent", frozenset({"agent"}), datetime.now(UTC))
    async with a_client_of(app, settings, key) as agent:
        seen, refused = await agent.get(POLICY), await agent.put(POLICY, json={})

    assert (seen.status_code, refused.status_code) == (200, 403)


async def trail(app: App) -> list[Entry]:
    async with app.ports.begin(ORGANIZATION) as unit:
        return list(await unit.audit.page("answers.", 1_000))
