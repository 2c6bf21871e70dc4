"""kill -9 of the worker, the API and Valkey, ten times each, under a stream of messages.

A message counts as acknowledged when the client got its answer, or when the server stored it. Every stored
message must have exactly one reply in the end; every message the client insisted on is stored exactly once.
"""

import asyncio
import random
from collections import Counter
from uuid import uuid4

import httpx
import pytest

from tests.chaos.conftest import Up

KILLS = 10
CLIENTS = 4
QUESTIONS = (
    "How do I reset my password?",
    "Too many SOQL queries: 101 in my trigger",
    "give me a lasagne recipe",
    "How do I create a report?",
    "my flow failed with an error email",
)
PAUSE = 0.05
SETTLE_SECONDS = 40
RECOVERY_SECONDS = 60

pytestmark = pytest.mark.chaos


async def insist(client: httpx.AsyncClient, method: str, path: str, **request: object) -> httpx.Response:
    """Send until an answer comes that is no passing failure, as careful clients do: same key, same body."""
    while True:
        try:
            response = await client.request(method, path, **request)  # type: ignore[arg-type]  # passed on as given
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if response.status_code < 500 and not (
            response.status_code == 409 and response.json()["details"]["code"] == "request_in_flight"
        ):
            return response
        await asyncio.sleep(0.2)


async def talk(up: Up, stop: asyncio.Event, sent: dict[str, list[str]]) -> None:
    """One customer: a conversation, and message after message until told to stop."""
    async with up.client() as client:
        start = {"user_id": str(uuid4()), "channel": "api"}
        created = await insist(
            client, "POST", "/api/v1/conversations", json=start, headers={"Idempotency-Key": str(uuid4())}
        )
        conversation = created.json()["id"]
        sent[conversation] = []
        while not stop.is_set():
            content = f"{random.choice(QUESTIONS)} ({uuid4()})"
            response = await insist(
                client,
                "POST",
                f"/api/v1/conversations/{conversation}/messages",
                json={"content": content},
                headers={"Idempotency-Key": str(uuid4())},
            )
            assert response.status_code == 200, response.text
            sent[conversation].append(content)
            await asyncio.sleep(PAUSE)


async def recovered(up: Up, victim: str) -> None:
    """Wait until the victim runs again and the API serves, so that each kill hits a working system."""
    async with asyncio.timeout(RECOVERY_SECONDS), up.client() as client:
        while True:
            await asyncio.sleep(0.1)
            try:
                ready = (await client.get("/ready")).is_success
            except httpx.TransportError:
                ready = False
            if ready and up.children(victim):
                return


async def transcript(client: httpx.AsyncClient, conversation: str) -> list[dict[str, object]]:
    """All messages of a conversation."""
    found: list[dict[str, object]] = []
    after: dict[str, str] = {}
    while True:
        path = f"/api/v1/conversations/{conversation}/messages"
        page = (await insist(client, "GET", path, params={"limit": "100", **after})).json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def faults(messages: list[dict[str, object]], sent: list[str]) -> list[str]:
    """What is wrong with a transcript: messages lost, stored twice, unanswered or answered twice."""
    heard = Counter(str(m["content"]) for m in messages if m["sender_type"] == "user")
    replies = Counter(str(m["in_reply_to"]) for m in messages if m["in_reply_to"])
    wrong = [f"lost: {content}" for content in sent if not heard[content]]
    wrong += [f"stored {count} times: {content}" for content, count in heard.items() if count != 1]
    wrong += [
        f"{replies[str(m['id'])]} replies: {m['content']}"
        for m in messages
        if m["sender_type"] == "user" and replies[str(m["id"])] != 1
    ]
    return wrong


@pytest.mark.parametrize("victim", ["worker", "api", "valkey"])
async def test_every_message_is_answered_exactly_once_whatever_is_killed(up: Up, victim: str) -> None:
    sent: dict[str, list[str]] = {}
    stop = asyncio.Event()
    talks = [asyncio.create_task(talk(up, stop, sent)) for _ in range(CLIENTS)]

    killed = 0
    for _ in range(KILLS):
        await asyncio.sleep(random.uniform(0.5, 1.5))
        killed += up.kill(victim) > 0
        await recovered(up, victim)
    stop.set()
    await asyncio.gather(*talks)

    wrong: list[str] = []
    async with up.client() as client:
        for _ in range(SETTLE_SECONDS):
            pairs = [(conversation, await transcript(client, conversation)) for conversation in sent]
            wrong = [fault for conversation, said in pairs for fault in faults(said, sent[conversation])]
            if not wrong:
                break
            await asyncio.sleep(1)
    messages = sum(len(contents) for contents in sent.values())
    print(
        f"\n{victim}: {killed} kills, {messages} messages in {len(sent)} conversations, {len(wrong)} faults"
    )
    assert wrong == []
    assert killed == KILLS
    assert messages > KILLS
