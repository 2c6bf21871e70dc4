"""How conversations end or go to people, and what customers say of the answers."""

from uuid import UUID, uuid4

import httpx
import pytest

from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.security.calls import (
    CONVERSATIONS,
    Json,
    a_started,
    a_token,
    as_owner,
    bearer,
    said,
    some_claims,
    transcript,
)

NOBODY = UUID("00000000-0000-4000-8000-000000000000")


async def test_a_resolved_conversation_says_when_and_by_whom(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    resolved = await client.post(f"{path}/resolve", json={"resolution": "human"})

    assert resolved.status_code == 200
    assert (resolved.json()["status"], resolved.json()["resolution"]) == ("resolved", "human")
    assert resolved.json()["ended_at"] == resolved.json()["last_activity_at"]
    assert (await client.get(path)).json() == resolved.json()


async def test_resolving_again_changes_nothing(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    first = await client.post(f"{path}/resolve", json={"resolution": "customer"})

    again = await client.post(f"{path}/resolve", json={"resolution": "human"})

    assert again.status_code == 200
    assert again.json() == first.json()


async def test_a_resolution_is_automated_unless_a_person_had_taken_over(client: httpx.AsyncClient) -> None:
    plain, escalated = await a_started(client), await a_started(client)
    await client.post(f"{escalated}/escalate", json={})

    resolved = [await client.post(f"{path}/resolve", json={}) for path in (plain, escalated)]

    assert [answer.json()["resolution"] for answer in resolved] == ["automated", "human"]


async def test_a_customer_cannot_choose_the_resolution(client: httpx.AsyncClient, settings: Settings) -> None:
    user = uuid4()
    path = await a_started(client, user)
    token = a_token(settings.jwt_secret, some_claims(sub=str(user)))

    resolved = await client.post(f"{path}/resolve", json={"resolution": "human"}, headers=bearer(token))

    assert resolved.json()["resolution"] == "automated"


async def test_an_unknown_resolution_is_400(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/resolve", json={"resolution": "magic"})

    assert answer.status_code == 400
    assert (await client.get(path)).json()["status"] == "active"


async def test_nothing_more_can_be_said_in_a_resolved_conversation(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    await client.post(f"{path}/resolve", json={})

    message = await client.post(f"{path}/messages", json={"content": "one more thing"})
    escalation = await client.post(f"{path}/escalate", json={})

    assert [message.status_code, escalation.status_code] == [409, 409]
    assert message.json()["details"] == {"code": "conversation_resolved", "status": "resolved"}
    assert escalation.json()["details"]["code"] == "conversation_resolved"
    assert len(await transcript(client, path)) == 1


async def test_after_a_resolved_conversation_a_new_one_begins(client: httpx.AsyncClient) -> None:
    user = uuid4()
    over = await a_started(client, user)
    await client.post(f"{over}/resolve", json={})

    created = await client.post(CONVERSATIONS, json={"user_id": str(user), "channel": "web"})

    assert created.status_code == 201
    assert f"{CONVERSATIONS}/{created.json()['id']}" != over


async def test_nothing_can_be_done_with_an_abandoned_conversation(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    path = await a_started(client)
    identity = UUID(path.rsplit("/", 1)[1])
    await as_owner(settings, "UPDATE core.conversations SET status = 'abandoned' WHERE id = :id", id=identity)

    answers = [
        await client.post(f"{path}/{action}", json=body)
        for action, body in (("messages", {"content": "hello?"}), ("resolve", {}), ("escalate", {}))
    ]

    assert [answer.status_code for answer in answers] == [409] * 3
    assert {answer.json()["details"]["code"] for answer in answers} == {"conversation_abandoned"}


async def test_escalating_names_the_reason_and_tells_the_customer_once(
    client: httpx.AsyncClient, app: App
) -> None:
    path = await a_started(client)

    first = await client.post(f"{path}/escalate", json={"reason": "I want a person — \\u0000 is no NUL"})
    again = await client.post(f"{path}/escalate", json={"reason": "another"})

    assert (first.status_code, first.json()["status"]) == (200, "escalated")
    assert first.json()["escalation_reason"] == "I want a person — \\u0000 is no NUL"
    assert (first.json()["queue"], first.json()["priority"]) == ("support", "normal")
    assert again.json() == first.json()
    notices = [m["content"] for m in await transcript(client, path) if m["sender_type"] == "system"]
    assert notices == [app.ports.texts.of().greeting, app.ports.texts.of().handoff]


@pytest.mark.parametrize(
    ("reason", "code"), [("a\x00b", "reason_has_nul"), ("x" * 1_001, "bad_request")], ids=["NUL", "too long"]
)
async def test_a_reason_that_cannot_be_stored_is_400(
    client: httpx.AsyncClient, reason: str, code: str
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/escalate", json={"reason": reason})

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == code
    assert (await client.get(path)).json()["status"] == "active"


async def test_feedback_on_an_answer_comes_back_and_is_stored(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    path = await a_started(client)
    answer = await said(client, path, "How do I reset my password?")
    body = {"message_id": answer["id"], "helpful": True, "comment": "Danke 👍"}

    given = await client.post(f"{path}/feedback", json=body)

    assert given.status_code == 201
    assert given.json() == body
    assert await _ratings(settings, answer["id"]) == [(True, "Danke 👍")]


async def test_thumbs_can_be_changed_and_the_last_word_stands(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    path = await a_started(client)
    answer = await said(client, path, "How do I reset my password?")

    for helpful, comment in ((True, ""), (True, ""), (False, "it did not work")):
        given = await client.post(
            f"{path}/feedback", json={"message_id": answer["id"], "helpful": helpful, "comment": comment}
        )
        assert given.status_code == 201

    assert await _ratings(settings, answer["id"]) == [(False, "it did not work")]


async def test_an_answer_of_a_resolved_conversation_can_still_be_rated(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    answer = await said(client, path, "How do I reset my password?")
    await client.post(f"{path}/resolve", json={})

    given = await client.post(f"{path}/feedback", json={"message_id": answer["id"], "helpful": True})

    assert given.status_code == 201


async def test_only_answers_of_this_conversation_can_be_rated(client: httpx.AsyncClient) -> None:
    path, elsewhere = await a_started(client), await a_started(client)
    answer = await said(client, path, "How do I reset my password?")
    greeting = (await transcript(client, path))[0]["id"]

    refused = [
        await client.post(f"{where}/feedback", json={"message_id": message, "helpful": True})
        for where, message in (
            (path, answer["message_id"]),
            (path, greeting),
            (path, str(NOBODY)),
            (elsewhere, answer["id"]),
        )
    ]

    assert [r.status_code for r in refused] == [404] * 4
    assert {r.json()["details"]["code"] for r in refused} == {"message_not_found"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"helpful": True}, "bad_request"),
        ({"message_id": str(NOBODY)}, "bad_request"),
        ({"message_id": str(NOBODY), "helpful": "yes"}, "bad_request"),
        ({"message_id": "1", "helpful": True}, "bad_request"),
        ({"message_id": str(NOBODY), "helpful": True, "comment": "x" * 2_001}, "bad_request"),
        ({"message_id": str(NOBODY), "helpful": True, "comment": "a\x00"}, "comment_has_nul"),
    ],
)
async def test_feedback_that_does_not_fit_is_400(client: httpx.AsyncClient, body: Json, code: str) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/feedback", json=body)

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == code


async def _ratings(settings: Settings, message: str) -> list[tuple[bool, str]]:
    rows = await as_owner(
        settings, "SELECT helpful, comment FROM core.feedback WHERE message_id = :id", id=UUID(message)
    )
    return [(row["helpful"], row["comment"]) for row in rows]
