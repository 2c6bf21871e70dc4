"""Rehearsals done by workers, trials on live turns, gates, and the reasons of stored turns, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from adapters.postgres.engine import APP, driver, engine
from domain.ids import ContentHash
from entrypoints.api.app import build
from entrypoints.bootstrap import App, open_sweep
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION
from tests.security.calls import Json, a_started

RULES, SETS = "/api/v1/rules", "/api/v1/rulesets"
VANISHED = {"field": "message_text", "operator": "==", "value": "nobody says this"}
ANGRY, CALM = "This is terrible, I hate it!", "How do I reset my password?"


def rules(threshold: float, *actions: Json, queue: str = "tier2", **more: object) -> list[Json]:
    condition = {"field": "sentiment_score", "operator": "<", "value": threshold}
    every: list[Json] = [{"type": "escalate", "queue": queue}, *actions]
    return [{"id": "R-1", "name": "Unhappy", "conditions": condition, "actions": every, **more}]


@pytest.fixture(scope="module")
async def approver(app: App, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another caller, who may do everything with rules."""
    scopes = frozenset({"rules:read", "rules:write", "rules:approve"})
    key = await app.ports.keys.issue(ORGANIZATION, "approver", scopes, datetime.now(UTC))
    transport = httpx.ASGITransport(build(app, settings))  # type: ignore[arg-type]  # ASGI typed twice
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"X-API-Key": key}
    ) as other:
        yield other


@pytest.fixture
async def live(client: httpx.AsyncClient, approver: httpx.AsyncClient) -> str:
    """A live rule set under which only the very unhappy are handed over."""
    version = await a_version(client, rules(-0.9, note=str(uuid4())))
    assert (await approver.post(f"{SETS}/{version}/publish")).status_code == 200
    return version


async def a_version(client: httpx.AsyncClient, document: object) -> str:
    draft = await client.post(f"{SETS}/drafts", json={"title": "A change", "document": document})
    submitted = await client.post(f"{SETS}/drafts/{draft.json()['id']}/submit", json={})
    assert submitted.status_code == 201, submitted.text
    return str(submitted.json()["hash"])


async def says(client: httpx.AsyncClient, content: str, **more: object) -> Json:
    answer = await client.post(f"{await a_started(client)}/messages", json={"content": content, **more})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def work(app: App, settings: Settings) -> None:
    """One round of the scheduler, and all jobs that it finds."""
    async with open_sweep(settings) as sweep:
        await sweep()
    for job in await app.ports.jobs.due(100):
        await app.run_job(job)


async def test_a_rehearsal_is_done_by_a_worker_and_kept_with_the_version(
    client: httpx.AsyncClient, live: str, app: App, settings: Settings
) -> None:
    for words in (ANGRY, CALM):
        await says(client, words)
    document = rules(1.0, note=live)

    asked = await client.post(f"{RULES}/rehearsals", json={"document": document, "days": 1})
    await work(app, settings)
    done = (await client.get(f"{RULES}/rehearsals/{asked.json()['id']}")).json()
    version = (await client.get(f"{SETS}/{await a_version(client, document)}")).json()["version"]

    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert done["state"] == "done"
    assert done["turns"] >= 2
    report = done["report"]
    assert report["by_rule"]["R-1"][1] == report["turns"] == done["turns"]
    assert report["changed"] >= 1
    assert version["rehearsal"]["turns"] == done["turns"]


async def test_a_cancelled_rehearsal_is_not_done(
    client: httpx.AsyncClient, app: App, settings: Settings
) -> None:
    asked = (await client.post(f"{RULES}/rehearsals", json={"document": rules(0.5)})).json()

    cancelled = await client.delete(f"{RULES}/rehearsals/{asked['id']}")
    await work(app, settings)
    later = (await client.get(f"{RULES}/rehearsals/{asked['id']}")).json()

    assert cancelled.json()["state"] == "cancelled"
    assert (later["state"], later["report"]) == ("cancelled", None)


async def test_a_rehearsal_of_wrong_rules_is_refused_at_once(client: httpx.AsyncClient) -> None:
    wrong = rules(0.5)
    wrong[0]["conditions"]["field"] = "sentimnt_score"

    refused = await client.post(f"{RULES}/rehearsals", json={"document": wrong})

    assert (refused.status_code, refused.json()["details"]["code"]) == (400, "unknown_fact")


async def test_a_shadow_decides_beside_the_live_rules_and_nobody_notices(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    candidate = await a_version(client, rules(1.0, note=f"shadow of {live}"))

    began = await client.post(f"{SETS}/{candidate}/trial", json={"bound": 1.0})
    answers = [await says(client, words) for words in (CALM, CALM, "What is a flow?")]
    standing = (await client.get(f"{SETS}/{candidate}/trial")).json()
    stopped = (await client.delete(f"{SETS}/{candidate}/trial")).json()
    after = (await client.get(f"{SETS}/{candidate}")).json()["version"]

    assert (began.status_code, began.json()["percent"]) == (201, 0)
    assert not any(answer["requires_escalation"] for answer in answers)
    assert {answer["why"]["ruleset"] for answer in answers} == {live}
    assert (standing["turns"], standing["ran_candidate"], standing["changed"]) == (3, 0, 3)
    assert standing["escalation_change"]["value"] == 1.0
    [first, *_] = standing["differences"]
    assert first["beside"]["slots"]["queue"] == [None, "tier2"]
    assert first["message"] in {answer["message_id"] for answer in answers}
    assert (stopped["ending"], after["state"]) == ("stopped", "in_review")
    trail = [entry["action"] for entry in (await client.get(f"{SETS}/audit?limit=2")).json()]
    assert trail == ["rules.trial_stopped", "rules.trial"]


async def test_a_canary_answers_its_share_and_an_author_may_not_begin_one(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    candidate = await a_version(client, rules(1.0, queue="canary", note=f"canary of {live}"))

    alone = await client.post(f"{SETS}/{candidate}/trial", json={"percent": 50})
    began = await approver.post(f"{SETS}/{candidate}/trial", json={"percent": 50, "bound": 1.0})
    answers = [await says(client, CALM) for _ in range(12)]
    standing = (await approver.get(f"{SETS}/{candidate}/trial")).json()
    published = await approver.post(f"{SETS}/{candidate}/publish")
    ended = (await client.get(f"{SETS}/{candidate}/trial")).json()

    assert (alone.status_code, alone.json()["details"]["code"]) == (403, "second_approver")
    assert began.status_code == 201
    ran = [answer for answer in answers if answer["why"]["ruleset"] == candidate]
    assert all(answer["requires_escalation"] for answer in ran)
    assert standing["ran_candidate"] == len(ran)
    assert standing["turns"] == 12
    assert 0 < len(ran) < 12
    assert (published.json()["state"], ended["ending"]) == ("live", "promoted")


async def test_the_guard_stops_a_trial_that_escalates_too_much(
    client: httpx.AsyncClient, live: str, app: App, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.rules.trial.GUARDED_FROM", 2)
    candidate = await a_version(client, rules(1.0, note=f"guarded beside {live}"))
    await client.post(f"{SETS}/{candidate}/trial", json={"bound": 0.1})

    await says(client, CALM)
    early = await app.trials.guard(ORGANIZATION)
    await says(client, CALM)
    late = await app.trials.guard(ORGANIZATION)
    standing = (await client.get(f"{SETS}/{candidate}/trial")).json()

    assert (early, late) == (False, True)
    assert standing["ending"] == "guard"
    assert (await client.get(f"{SETS}/{candidate}")).json()["version"]["state"] == "in_review"


async def test_the_sweep_finds_open_trials_for_the_guard(
    client: httpx.AsyncClient, live: str, app: App, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.rules.trial.GUARDED_FROM", 1)
    monkeypatch.setattr("ports.inbound.work.GUARD_EVERY", datetime.now(UTC) - datetime.now(UTC))
    candidate = await a_version(client, rules(1.0, note=f"swept beside {live}"))
    await client.post(f"{SETS}/{candidate}/trial", json={"bound": 0.1})
    await says(client, CALM)

    await work(app, settings)

    assert (await client.get(f"{SETS}/{candidate}/trial")).json()["ending"] == "guard"


async def test_another_version_going_live_ends_a_trial(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    candidate = await a_version(client, rules(0.2, note=f"overtaken {live}"))
    other = await a_version(client, rules(0.3, note=f"overtaking {live}"))
    await client.post(f"{SETS}/{candidate}/trial", json={})

    await approver.post(f"{SETS}/{other}/publish")

    assert (await client.get(f"{SETS}/{candidate}/trial")).json()["ending"] == "superseded"
    assert (await client.get(f"{SETS}/{candidate}")).json()["version"]["state"] == "in_review"
    assert (await client.delete(f"{SETS}/{candidate}/trial")).json()["details"]["code"] == "no_trial"


async def test_gates_that_a_tenant_chose_bar_publishing(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    version = await a_version(client, rules(-0.2, note=f"gated {live}"))
    before = (await client.get(f"{RULES}/settings")).json()

    await client.put(f"{RULES}/settings", json={"approver": "another", "gates": ["rehearsal"]})
    unrehearsed = await approver.post(f"{SETS}/{version}/publish")
    canary = await approver.post(f"{SETS}/{version}/trial", json={"percent": 10})
    await client.put(f"{RULES}/settings", json={"gates": ["trial"]})
    untried = await approver.post(f"{SETS}/{version}/publish")
    await client.put(f"{RULES}/settings", json={"approver": "anybody"})
    alone = await client.post(f"{SETS}/{version}/publish")
    await client.put(f"{RULES}/settings", json=before)
    loosened = await approver.put(f"{RULES}/settings", json={"approver": "anybody"})

    assert before == {"approver": "another", "gates": []}
    assert unrehearsed.json()["details"]["code"] == "gate_rehearsal"
    assert canary.json()["details"]["code"] == "gate_rehearsal"
    assert untried.json()["details"]["code"] == "gate_trial"
    assert loosened.status_code == 403
    assert alone.json()["state"] == "live"


async def test_a_stored_turn_says_why_and_what_would_have_turned_it(
    client: httpx.AsyncClient, live: str
) -> None:
    answer = await says(client, CALM)

    why = (await client.get(f"{RULES}/turns/{answer['message_id']}?rule=R-1")).json()
    unknown = await client.get(f"{RULES}/turns/{answer['message_id']}?rule=R-9")
    never = await client.get(f"{RULES}/turns/{uuid4()}")

    assert why["ruleset"] == live
    [told] = why["rules"]
    assert told["reason"]["verdict"] is False
    assert told["would_turn"] == [
        {"field": "sentiment_score", "actual": answer["sentiment"]["score"], "instead": -0.91}
    ]
    assert (unknown.status_code, never.status_code) == (404, 404)


async def test_rules_that_never_fire_are_found(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    never = {
        **rules(-1.0)[0],
        "id": "R-NEVER",
        "conditions": VANISHED,
        "actions": [{"type": "tag", "name": "x"}],
    }
    version = await a_version(client, [*rules(0.9, note=live), never])
    await approver.post(f"{SETS}/{version}/publish")
    await says(client, ANGRY)

    usage = (await client.get(f"{RULES}/usage?days=90")).json()

    assert [(one["rule"], one["times"] > 0) for one in usage] == [("R-NEVER", False), ("R-1", True)]


async def test_a_threshold_is_swept_over_past_turns(client: httpx.AsyncClient, live: str) -> None:
    await says(client, ANGRY)
    query = {"document": rules(-0.3), "rule": "R-1", "field": "sentiment_score", "values": [-1, -0.3, 1.0]}

    swept = (await client.post(f"{RULES}/sweep", json=query)).json()
    refused = await client.post(f"{RULES}/sweep", json={**query, "field": "intent_confidence"})

    assert swept["current"] == -0.3
    none, some, every = swept["counts"]
    assert none == 0
    assert 0 < some <= every
    assert (refused.status_code, refused.json()["details"]["code"]) == (400, "no_threshold")


async def test_outward_actions_are_recorded_once_and_not_too_deep(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str, settings: Settings
) -> None:
    notify = {"type": "notify", "recipient": "boss", "method": "email"}
    version = await a_version(client, rules(1.0, notify, notify, note=f"loud {live}"))
    await approver.post(f"{SETS}/{version}/publish")

    first = await says(client, ANGRY)
    deep = await says(client, ANGRY, depth=3)
    pool = engine(settings.database_url, APP, 1)
    async with driver(pool) as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.current_org_id', $1, true)", str(ORGANIZATION))
        rows = await connection.fetch("SELECT heard_id, rule, action FROM core.rule_actions")
    await pool.dispose()
    recorded = [(str(row["heard_id"]), row["rule"], row["action"]) for row in rows]

    assert [(rule, action) for heard, rule, action in recorded if heard == first["message_id"]] == [
        ("R-1", {"type": "notify", "recipient": "boss", "method": "email"})
    ]
    assert not [row for row in recorded if row[0] == deep["message_id"]]


async def test_trials_and_rejections_at_the_same_moment_leave_one_story(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    versions = [await a_version(client, rules(0.4 + n / 100, note=f"race {live}")) for n in range(4)]
    first = versions[0]

    began = await asyncio.gather(
        *(approver.post(f"{SETS}/{version}/trial", json={}) for version in versions),
        approver.post(f"{SETS}/{first}/reject"),
        approver.post(f"{SETS}/{first}/publish"),
        client.delete(f"{SETS}/{first}/trial"),
    )

    assert {answer.status_code for answer in began} <= {200, 201, 409}
    states = [(await client.get(f"{SETS}/{v}")).json()["version"]["state"] for v in versions]
    trials = [(await client.get(f"{SETS}/{v}/trial")).json() for v in versions]
    open_ = [v for v, trial in zip(versions, trials, strict=True) if trial.get("ended_at", "none") is None]
    assert [v for v, state in zip(versions, states, strict=True) if state == "shadow"] == open_
    assert states[0] in {"live", "rejected", "in_review", "shadow"}


async def test_a_gate_that_barred_a_version_opens_when_its_rules_were_rehearsed_after_all(
    client: httpx.AsyncClient, app: App, settings: Settings, live: str
) -> None:
    document = rules(-0.15, note=f"later {live}")
    version = await a_version(client, document)

    await client.post(f"{RULES}/rehearsals", json={"document": document, "days": 1})
    await work(app, settings)
    again = await a_version(client, document)

    assert again == version
    assert (await client.get(f"{SETS}/{version}")).json()["version"]["rehearsal"] is not None


async def test_a_draft_that_awaits_approval_is_for_staff_only(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str, settings: Settings
) -> None:
    secret = {"type": "reply_with", "template": "SECRET refund of 12,000"}
    rule = {**rules(1.0, note=live)[0], "actions": [secret, {"type": "request_approval", "role": "lawyer"}]}
    version = await a_version(client, [rule])
    await approver.post(f"{SETS}/{version}/publish")

    answer = await says(client, CALM)
    path = f"/api/v1/conversations/{answer['conversation_id']}"
    transcript = await client.get(f"{path}/messages")
    seen_by_staff = (await client.get(path)).json()

    assert answer["requires_escalation"] is True
    assert "SECRET" not in json.dumps(answer) + transcript.text
    assert seen_by_staff["draft"] == "SECRET refund of 12,000"


async def test_a_turn_that_answers_our_question_is_explained_as_it_was_decided(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, live: str
) -> None:
    fact = {
        "name": "order_no",
        "kind": "text",
        "label": "Order",
        "source": "metadata.order_no",
        "personal": True,
    }
    asked = {"field": "message_text", "operator": "contains", "value": "refund"}
    known = {"field": "order_no", "operator": "exists", "value": True}
    both = {"operator": "AND", "rules": [asked, known]}
    ask, go = {"type": "ask", "fact": "order_no"}, {"type": "escalate", "queue": "refunds"}
    document = {
        "note": live,
        "facts": [fact],
        "rules": [
            {"id": "R-1", "name": "Ask", "conditions": asked, "actions": [ask]},
            {"id": "R-2", "name": "Go", "conditions": both, "actions": [go]},
        ],
    }
    await approver.post(f"{SETS}/{await a_version(client, document)}/publish")
    path = await a_started(client)

    question = (await client.post(f"{path}/messages", json={"content": "I want a refund"})).json()
    answer = (await client.post(f"{path}/messages", json={"content": "A-4711"})).json()
    why = (await client.get(f"{RULES}/turns/{answer['message_id']}?rule=R-1")).json()

    assert question["response"].endswith("order?")
    assert answer["escalation_reason"] == "Rule R-2: Go"
    assert why["rules"][0]["reason"]["verdict"] is True
    assert "A-4711" not in json.dumps(answer["why"]["facts"])


async def test_an_unknown_version_has_no_trial(client: httpx.AsyncClient) -> None:
    nowhere = ContentHash("0" * 64)

    assert (await client.get(f"{SETS}/{nowhere}/trial")).status_code == 404
    assert (await client.post(f"{SETS}/{nowhere}/trial", json={})).status_code == 404
