"""The life of rules over HTTP: drafted, refused, rehearsed, submitted, approved by another, rolled back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from entrypoints.api.app import build
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION
from tests.security.calls import Json, a_started

RULES = "/api/v1/rulesets"
ESCALATE = [{"type": "escalate", "queue": "tier2"}]


def rules(threshold: float = -0.3, field: str = "sentiment_score") -> list[Json]:
    condition = {"field": field, "operator": "<", "value": threshold}
    return [{"id": "R-1", "name": "Unhappy", "conditions": condition, "actions": ESCALATE}]


@pytest.fixture(scope="module")
async def approver(app: App, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another caller, who may read and approve rules."""
    scopes = frozenset({"rules:read", "rules:approve"})
    key = await app.ports.keys.issue(ORGANIZATION, "approver", scopes, datetime.now(UTC))
    transport = httpx.ASGITransport(build(app, settings))  # type: ignore[arg-type]  # ASGI typed twice
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"X-API-Key": key}
    ) as other:
        yield other


async def a_draft(client: httpx.AsyncClient, document: object) -> Json:
    made = await client.post(f"{RULES}/drafts", json={"title": "Unhappy sooner", "document": document})
    assert made.status_code == 201, made.text
    body: Json = made.json()
    return body


async def test_facts_are_listed_with_kind_and_range(client: httpx.AsyncClient) -> None:
    found = {fact["name"]: fact for fact in (await client.get("/api/v1/facts")).json()}

    assert (found["sentiment_score"]["kind"], found["sentiment_score"]["low"]) == ("number", -1)
    assert found["message_text"]["personal"] is True


async def test_a_misspelt_fact_is_refused_with_a_suggestion(client: httpx.AsyncClient) -> None:
    checked = await client.post("/api/v1/rules/check", json={"document": rules(field="sentimnt_score")})
    draft = await a_draft(client, rules(field="sentimnt_score"))
    submitted = await client.post(f"{RULES}/drafts/{draft['id']}/submit", json={})

    said = "R-1: there is no fact called 'sentimnt_score'; did you mean 'sentiment_score'?"
    assert checked.json()["errors"] == [said]
    assert (submitted.status_code, submitted.json()["error"]) == (400, said)
    assert submitted.json()["details"]["code"] == "unknown_fact"


async def test_rules_live_only_after_somebody_else_approves_and_go_back_in_one_step(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    [before] = [v for v in (await client.get(RULES)).json() if v["state"] == "live"]
    draft = await a_draft(client, rules(-0.31))

    submitted = (await client.post(f"{RULES}/drafts/{draft['id']}/submit", json={"note": "sooner"})).json()
    version = f"{RULES}/{submitted['hash']}"
    alone = await client.post(f"{version}/publish")
    published = await approver.post(f"{version}/publish")
    answer = await client.post(
        f"{await a_started(client)}/messages", json={"content": "This is terrible, I hate it!"}
    )
    back = await approver.post(f"{RULES}/{before['hash']}/publish")
    after = (await client.get(version)).json()

    assert (submitted["state"], submitted["note"]) == ("in_review", "sooner")
    assert submitted["parent"] == before["hash"]
    assert (alone.status_code, alone.json()["details"]["code"]) == (403, "second_approver")
    assert (published.status_code, published.json()["state"]) == (200, "live")
    assert answer.json()["why"]["ruleset"] == submitted["hash"]
    assert answer.json()["escalation_reason"] == "Rule R-1: Unhappy"
    assert (back.json()["state"], after["version"]["state"]) == ("live", "retired")
    assert after["document"] == rules(-0.31)
    trail = [entry["action"] for entry in (await client.get(f"{RULES}/audit?limit=4")).json()]
    assert trail == ["rules.roll_back", "rules.publish", "rules.submit", "rules.save"]


async def test_the_later_of_two_editors_is_told(client: httpx.AsyncClient) -> None:
    draft = await a_draft(client, rules())
    change = {"title": "Mine", "document": rules(-0.4), "version": 1}

    first = await client.put(f"{RULES}/drafts/{draft['id']}", json=change)
    second = await client.put(f"{RULES}/drafts/{draft['id']}", json=change)

    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert (second.status_code, second.json()["details"]["code"]) == (409, "draft_moved_on")


async def test_a_rejected_version_cannot_go_live(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    draft = await a_draft(client, rules(-0.77))
    version = (await client.post(f"{RULES}/drafts/{draft['id']}/submit", json={})).json()["hash"]

    rejected = await approver.post(f"{RULES}/{version}/reject")
    published = await approver.post(f"{RULES}/{version}/publish")

    assert rejected.json()["state"] == "rejected"
    assert (published.status_code, published.json()["details"]["code"]) == (409, "rejected")


async def test_rules_that_clash_cannot_be_submitted(client: httpx.AsyncClient) -> None:
    other = {**rules(-0.5)[0], "id": "R-2", "actions": [{"type": "escalate", "queue": "other"}]}
    draft = await a_draft(client, [*rules(), other])

    refused = await client.post(f"{RULES}/drafts/{draft['id']}/submit", json={})

    assert (refused.status_code, refused.json()["details"]["code"]) == (400, "analysis_failed")


async def test_versions_differ_by_meaning(client: httpx.AsyncClient) -> None:
    hashes = []
    for threshold in (-0.11, -0.12):
        draft = await a_draft(client, rules(threshold))
        submitted = await client.post(f"{RULES}/drafts/{draft['id']}/submit", json={})
        hashes.append(submitted.json()["hash"])

    [change] = (await client.get(f"{RULES}/{hashes[1]}/diff?other={hashes[0]}")).json()

    assert (change["kind"], change["before"]) == ("condition", "sentiment score is less than -0.11")


async def test_reasons_name_the_smallest_change(client: httpx.AsyncClient) -> None:
    asked = {"document": rules(-0.5), "facts": {"sentiment_score": 0.2}, "rule": "R-1"}

    [told] = (await client.post("/api/v1/rules/explain", json=asked)).json()["rules"]

    assert told["sentence"] == "sentiment score is less than -0.5"
    assert told["reason"]["verdict"] is False
    assert told["would_turn"][0]["field"] == "sentiment_score"


async def test_a_discarded_draft_is_gone(client: httpx.AsyncClient) -> None:
    draft = await a_draft(client, rules())
    path = f"{RULES}/drafts/{draft['id']}"

    statuses = [(await client.delete(path)).status_code for _ in range(2)]

    assert statuses == [204, 204]
    assert (await client.get(path)).status_code == 404
    assert draft["id"] not in {one["id"] for one in (await client.get(f"{RULES}/drafts")).json()}


async def test_scopes_part_readers_from_writers(approver: httpx.AsyncClient) -> None:
    reading = await approver.get(RULES)
    writing = await approver.post(f"{RULES}/drafts", json={"title": "x", "document": rules()})

    assert (reading.status_code, writing.status_code) == (200, 403)


@pytest.mark.parametrize("path", ["/drafts/00000000-0000-4000-8000-000000000000", f"/{'0' * 64}"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"{RULES}{path}")).status_code == 404
