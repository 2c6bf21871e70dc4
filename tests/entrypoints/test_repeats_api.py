"""What becomes of a request that is sent again under its Idempotency-Key: it is done once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import httpx
import msgspec
import pytest

from domain.conversation import Conversation
from domain.ids import ConversationId, OrganizationId
from entrypoints.api.gate import MAX_KEY
from entrypoints.bootstrap import App, wire
from entrypoints.settings import Settings
from ports.errors import Unavailable
from ports.outbound.keys import SCOPES
from ports.outbound.turns import HearCommand, HeardAgain, HeardTurn, Turn, Turns
from tests.builders import NOW, ORGANIZATION
from tests.security.calls import CONVERSATIONS, EVENTS, JSON, a_client_of, a_started, transcript

QUESTION = {"content": "How do I reset my password?"}


class TurnsWithTrouble(Turns):
    """Real turns that wait for `go` before hearing, and fail to say `failures` times."""

    def __init__(self, real: Turns, failures: int = 0) -> None:
        self._real, self._failures = real, failures
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def hear(self, command: HearCommand) -> HeardTurn:
        self.reached.set()
        await self.go.wait()
        return await self._real.hear(command)

    async def say(self, conversation: Conversation, turn: Turn) -> bytes | None:
        if self._failures:
            self._failures -= 1
            raise Unavailable("The database went away.")
        return await self._real.say(conversation, turn)

    async def unanswered(
        self, organization: OrganizationId, conversation: ConversationId, before: datetime
    ) -> Sequence[HeardAgain]:
        return await self._real.unanswered(organization, conversation, before)


def with_turns(app: App, settings: Settings, turns: Turns) -> App:
    return wire(replace(app.ports, turns=turns), settings.timing)


async def a_key(app: App) -> str:
    return await app.ports.keys.issue(ORGANIZATION, str(uuid4()), frozenset(SCOPES), NOW)


async def test_the_same_request_again_gets_the_same_bytes_and_stores_nothing(
    client: httpx.AsyncClient,
) -> None:
    path = await a_started(client)
    key = {"Idempotency-Key": "again"}

    first, second, third = [
        await client.post(f"{path}/messages", json=QUESTION, headers=key) for _ in range(3)
    ]

    assert [answer.status_code for answer in (first, second, third)] == [200] * 3
    assert first.content == second.content == third.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert [m["sender_type"] for m in await transcript(client, path)] == ["system", "user", "ai_agent"]


async def test_without_a_key_the_same_request_is_another_message(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    for _ in range(2):
        await client.post(f"{path}/messages", json=QUESTION)

    assert len(await transcript(client, path)) == 5


async def test_another_body_under_a_used_key_is_422(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    key = {"Idempotency-Key": f"body {path}"}
    first = await client.post(f"{path}/messages", json=QUESTION, headers=key)

    other = await client.post(f"{path}/messages", json={"content": "something else"}, headers=key)
    elsewhere = await client.post(f"{path}/escalate", json=QUESTION, headers=key)
    again = await client.post(f"{path}/messages", json=QUESTION, headers=key)

    assert [other.status_code, elsewhere.status_code] == [422, 422]
    assert other.json()["details"] == {"code": "idempotency_key_reused"}
    assert again.content == first.content
    assert len(await transcript(client, path)) == 3


async def test_a_repeat_while_the_first_runs_is_409_and_later_a_replay(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    turns = TurnsWithTrouble(app.ports.turns)
    turns.go.clear()
    path, key = await a_started(client), {"Idempotency-Key": "slow"}
    async with a_client_of(with_turns(app, settings, turns), settings, client.headers["x-api-key"]) as slow:
        first = asyncio.create_task(slow.post(f"{path}/messages", json=QUESTION, headers=key))
        await turns.reached.wait()

        meanwhile = await client.post(f"{path}/messages", json=QUESTION, headers=key)
        turns.go.set()
        answered = await first
        later = await client.post(f"{path}/messages", json=QUESTION, headers=key)

    assert meanwhile.status_code == 409
    assert meanwhile.json()["details"] == {"code": "request_in_flight"}
    assert meanwhile.headers["retry-after"] == "1"
    assert answered.status_code == later.status_code == 200
    assert later.content == answered.content
    assert len(await transcript(client, path)) == 3


async def test_five_at_once_under_one_key_are_one_message_and_one_answer(client: httpx.AsyncClient) -> None:
    path, key = await a_started(client), {"Idempotency-Key": "five"}

    at_once = await asyncio.gather(
        *(client.post(f"{path}/messages", json=QUESTION, headers=key) for _ in range(5))
    )
    later = await client.post(f"{path}/messages", json=QUESTION, headers=key)

    assert {answer.status_code for answer in at_once} <= {200, 409}
    assert {answer.content for answer in at_once if answer.status_code == 200} == {later.content}
    assert [m["sender_type"] for m in await transcript(client, path)] == ["system", "user", "ai_agent"]


async def test_fifty_messages_sent_three_times_each_are_fifty_messages(client: httpx.AsyncClient) -> None:
    paths = [await a_started(client) for _ in range(5)]

    async def send(path: str, number: int) -> None:
        for _ in range(20):
            key = {"Idempotency-Key": f"{path} {number}"}
            answer = await client.post(f"{path}/messages", json={"content": f"q {number}"}, headers=key)
            if answer.status_code == 200:
                return
            assert answer.status_code == 409
            await asyncio.sleep(0.05)

    await asyncio.gather(*(send(path, number) for path in paths for number in range(10) for _ in range(3)))

    for path in paths:
        messages = await transcript(client, path)
        heard = [message["id"] for message in messages if message["sender_type"] == "user"]
        replies = [message["in_reply_to"] for message in messages if message["in_reply_to"]]
        assert sorted(m["content"] for m in messages if m["id"] in heard) == sorted(
            f"q {n}" for n in range(10)
        )
        assert sorted(replies) == sorted(heard)


async def test_keys_of_different_principals_are_different_keys(app: App, settings: Settings) -> None:
    key = {"Idempotency-Key": "shared"}
    body = {"user_id": str(uuid4()), "channel": "web"}
    async with (
        a_client_of(app, settings, await a_key(app)) as first,
        a_client_of(app, settings, await a_key(app)) as second,
    ):
        created = await first.post(CONVERSATIONS, json=body, headers=key)
        other = await second.post(CONVERSATIONS, json=body | {"channel": "email"}, headers=key)
        same = await second.post(CONVERSATIONS, json=body | {"channel": "email"}, headers=key)

    assert [created.status_code, other.status_code, same.status_code] == [201, 201, 201]
    assert created.json()["id"] != other.json()["id"] == same.json()["id"]


async def test_a_refusal_is_replayed_too(client: httpx.AsyncClient) -> None:
    path, key = await a_started(client), {"Idempotency-Key": "refused"}
    first = await client.post(f"{path}/messages", json={"content": " "}, headers=key)

    again = await client.post(f"{path}/messages", json={"content": " "}, headers=key)

    assert (first.status_code, again.status_code) == (400, 400)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_failure_is_not_kept_and_trying_again_answers_the_same_message_once(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    path, key = await a_started(client), {"Idempotency-Key": "failed"}
    troubled = with_turns(app, settings, TurnsWithTrouble(app.ports.turns, failures=1))
    async with a_client_of(troubled, settings, client.headers["x-api-key"]) as unlucky:
        failed = await unlucky.post(f"{path}/messages", json=QUESTION, headers=key)
        between = (await client.get(path)).json()
        answered = await unlucky.post(f"{path}/messages", json=QUESTION, headers=key)

    assert failed.status_code == 503
    assert int(failed.headers["retry-after"]) > 0
    assert failed.json()["details"]["code"] == "unavailable"
    assert (between["status"], between["message_count"]) == ("waiting", 1)
    assert answered.status_code == 200
    assert "idempotent-replayed" not in answered.headers
    assert [m["sender_type"] for m in await transcript(client, path)] == ["system", "user", "ai_agent"]
    assert (await client.get(path)).json()["status"] == "active"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("k" * MAX_KEY, 201, id="longest"),
        pytest.param("k" * (MAX_KEY + 1), 400, id="too long"),
        pytest.param("", 400, id="empty"),
        pytest.param("a\tb", 400, id="unprintable"),
        pytest.param("clé", 201, id="Latin-1"),
        pytest.param("'; DROP --", 201, id="SQL"),
    ],
)
async def test_a_key_has_up_to_255_printable_characters(
    client: httpx.AsyncClient, key: str, expected: int
) -> None:
    body = {"user_id": str(uuid4()), "channel": "web"}

    answers = [
        await client.post(CONVERSATIONS, json=body, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [expected] * 2
    if expected == 400:
        assert answers[0].json()["details"] == {"code": "bad_idempotency_key"}


async def test_a_large_answer_is_replayed_readable(client: httpx.AsyncClient) -> None:
    body = {"user_id": str(uuid4()), "channel": "web", "metadata": {"note": "long " * 2_000}}
    key = {"Idempotency-Key": f"large {body['user_id']}"}

    first = await client.post(CONVERSATIONS, json=body, headers=key)
    again = await client.post(CONVERSATIONS, json=body, headers=key)
    plain = await client.post(CONVERSATIONS, json=body, headers=key | {"Accept-Encoding": "identity"})

    assert [answer.status_code for answer in (first, again, plain)] == [201] * 3
    assert first.json() == again.json() == plain.json()


async def test_events_are_replayed_as_events(client: httpx.AsyncClient) -> None:
    path, key = await a_started(client), {"Idempotency-Key": "events"}

    first, again = [
        await client.post(f"{path}/messages", json=QUESTION, headers=EVENTS | key) for _ in range(2)
    ]

    assert first.headers["content-type"].startswith("text/event-stream")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.content == first.content
    assert len(await transcript(client, path)) == 3


async def test_a_key_of_a_read_is_ignored(client: httpx.AsyncClient) -> None:
    path, key = await a_started(client), {"Idempotency-Key": "read"}
    before = await client.get(path, headers=key)
    await client.post(f"{path}/messages", content=msgspec.json.encode(QUESTION), headers=JSON)

    after = await client.get(path, headers=key)

    assert (before.json()["message_count"], after.json()["message_count"]) == (0, 2)
