"""Answers as server-sent events: heard, the text piece by piece, the whole answer."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from litestar import Litestar
from numpy.typing import NDArray

from entrypoints.api.app import build
from entrypoints.bootstrap import App, wire
from entrypoints.settings import Settings
from ports.errors import Unavailable
from ports.outbound.embedding import Embedder
from tests.security.calls import CONVERSATIONS, EVENTS, Json, a_client, a_started, said, transcript

QUESTION = {"content": "How do I reset my password?"}


class EmbedderWithTrouble(Embedder):
    """A real embedder that waits for `go` and then may fail."""

    model = "a slow one"

    def __init__(self, real: Embedder, *, fails: bool = False) -> None:
        self._real, self._fails = real, fails
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def embed(self, text: str) -> NDArray[np.float32]:
        self.reached.set()
        await self.go.wait()
        if self._fails:
            raise Unavailable("The model is gone.")
        return await self._real.embed(text)

    async def embed_all(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda _: None
    ) -> NDArray[np.float32]:
        return await self._real.embed_all(texts, progress)


def with_embedder(app: App, settings: Settings, embedder: Embedder) -> Litestar:
    return build(wire(replace(app.ports, embedder=embedder), settings.timing), settings)


class Visitor:
    """One request by hand, whose client may hang up."""

    def __init__(self, api: Litestar, path: str, key: str, **headers: str) -> None:
        self._api, self._body = api, json.dumps(QUESTION).encode()
        self._scope: Any = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"{path}/messages",
            "raw_path": f"{path}/messages".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"test"),
                (b"x-api-key", key.encode()),
                (b"accept", b"text/event-stream"),
                (b"content-type", b"application/json"),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        self.received = bytearray()
        self.heard, self._gone = asyncio.Event(), asyncio.Event()

    async def stay(self) -> None:
        """Send the request and read until the answer ends or the client hangs up."""
        await self._api(self._scope, self._receive, self._send)

    def hang_up(self) -> None:
        self._gone.set()

    async def _receive(self) -> Any:
        if self._body:
            body, self._body = self._body, b""
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.received += message.get("body", b"")
        if b"event: heard" in self.received:
            self.heard.set()


def events(answer: httpx.Response) -> list[tuple[str, Json]]:
    """Names and data of the events of an answer, read as the standard says."""
    found = []
    for block in answer.text.replace("\r\n", "\n").split("\n\n"):
        fields = [line.partition(":") for line in block.split("\n") if line]
        if fields:
            named = {name: value.removeprefix(" ") for name, _, value in fields}
            found.append((named["event"], json.loads(named["data"])))
    return found


async def settled(client: httpx.AsyncClient, path: str) -> list[Json]:
    """The transcript once nothing waits for an answer."""
    for _ in range(200):
        if (await client.get(path)).json()["status"] != "waiting":
            break
        await asyncio.sleep(0.02)
    return await transcript(client, path)


async def test_events_are_heard_then_pieces_then_the_answer(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", json=QUESTION, headers=EVENTS)

    names = [name for name, _ in events(answer)]
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == "text/event-stream"
    assert names[0] == "heard"
    assert names[-1] == "answer"
    assert set(names[1:-1]) == {"delta"}
    assert len(names) > 5


async def test_the_pieces_joined_are_the_response(client: httpx.AsyncClient) -> None:
    questions = ("How do I reset my password?", "System.NullPointerException in my trigger", "lasagne recipe")
    paths = [await a_started(client) for _ in questions]

    streams = [
        events(await client.post(f"{path}/messages", json={"content": question}, headers=EVENTS))
        for path, question in zip(paths, questions, strict=True)
    ]

    joined = ["".join(data["text"] for name, data in found if name == "delta") for found in streams]
    assert joined == [found[-1][1]["response"] for found in streams]
    assert "\n\n1. " in joined[0]


async def test_the_events_tell_what_the_transcript_keeps(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    found = events(await client.post(f"{path}/messages", json=QUESTION, headers=EVENTS))

    heard, reply = (await transcript(client, path))[1:]
    assert found[0][1] == {"message_id": heard["id"]}
    assert found[-1][1] == reply["answer"]
    assert found[-1][1].keys() == (await said(client, await a_started(client), "What is a flow?")).keys()


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("application/json, text/event-stream;q=0.9", True),
        ("application/json", False),
        ("*/*", False),
    ],
)
async def test_only_a_client_that_accepts_events_gets_them(
    client: httpx.AsyncClient, accept: str, *, streams: bool
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", json=QUESTION, headers={"Accept": accept})

    assert answer.headers["content-type"].startswith("text/event-stream") is streams


@pytest.mark.parametrize(
    ("body", "expected"), [({}, 400), ({"content": "\t"}, 400), ({"content": "x" * 5_001}, 400)]
)
async def test_what_cannot_be_heard_is_a_plain_error(
    client: httpx.AsyncClient, body: Json, expected: int
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", json=body, headers=EVENTS)

    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["details"]["code"]


async def test_an_unknown_and_a_resolved_conversation_are_plain_errors(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    await client.post(f"{path}/resolve", json={})

    answers = [
        await client.post(f"{where}/messages", json=QUESTION, headers=EVENTS)
        for where in (f"{CONVERSATIONS}/{uuid4()}", path)
    ]

    assert [answer.status_code for answer in answers] == [404, 409]
    assert [answer.json()["details"]["code"] for answer in answers] == [
        "conversation_not_found",
        "conversation_resolved",
    ]


async def test_a_failure_after_hearing_is_an_event_and_the_message_is_kept(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    path = await a_started(client)
    embedder = EmbedderWithTrouble(app.ports.embedder, fails=True)
    embedder.go.set()
    async with a_client(
        with_embedder(app, settings, embedder), {"X-API-Key": client.headers["x-api-key"]}
    ) as unlucky:
        answer = await unlucky.post(f"{path}/messages", json=QUESTION, headers=EVENTS)

    found = events(answer)
    assert [name for name, _ in found] == ["heard", "error"]
    assert found[1][1]["details"] == {"code": "unavailable"}
    assert "answered shortly" in found[1][1]["error"]
    assert [m["content"] for m in (await transcript(client, path))[1:]] == [QUESTION["content"]]
    assert (await client.get(path)).json()["status"] == "waiting"


async def test_a_failure_after_hearing_is_not_replayed(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    path, headers = await a_started(client), EVENTS | {"Idempotency-Key": "failed stream"}
    embedder = EmbedderWithTrouble(app.ports.embedder, fails=True)
    embedder.go.set()
    async with a_client(
        with_embedder(app, settings, embedder), {"X-API-Key": client.headers["x-api-key"]}
    ) as unlucky:
        failed = await unlucky.post(f"{path}/messages", json=QUESTION, headers=headers)

    answered = await client.post(f"{path}/messages", json=QUESTION, headers=headers)

    assert [events(answer)[-1][0] for answer in (failed, answered)] == ["error", "answer"]
    assert "idempotent-replayed" not in answered.headers
    assert [m["sender_type"] for m in await transcript(client, path)] == ["system", "user", "ai_agent"]


async def test_who_leaves_after_being_heard_is_answered_all_the_same(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    path, embedder = await a_started(client), EmbedderWithTrouble(app.ports.embedder)
    visitor = Visitor(with_embedder(app, settings, embedder), path, client.headers["x-api-key"])
    staying = asyncio.create_task(visitor.stay())
    await visitor.heard.wait()
    await embedder.reached.wait()

    visitor.hang_up()
    await staying
    before = await transcript(client, path)
    embedder.go.set()
    after = await settled(client, path)

    assert b"event: answer" not in visitor.received
    assert [m["sender_type"] for m in before] == ["system", "user"]
    assert [m["sender_type"] for m in after] == ["system", "user", "ai_agent"]
    assert after[2]["in_reply_to"] == after[1]["id"]


async def test_who_leaves_and_asks_again_under_the_same_key_gets_the_one_answer(
    app: App, settings: Settings, client: httpx.AsyncClient
) -> None:
    path, embedder = await a_started(client), EmbedderWithTrouble(app.ports.embedder)
    api, key = with_embedder(app, settings, embedder), {"Idempotency-Key": f"left {path}"}
    visitor = Visitor(api, path, client.headers["x-api-key"], **{"idempotency-key": key["Idempotency-Key"]})
    staying = asyncio.create_task(visitor.stay())
    await visitor.heard.wait()

    visitor.hang_up()
    await staying
    embedder.go.set()
    again = await client.post(f"{path}/messages", json=QUESTION, headers=key)

    messages = await settled(client, path)
    assert again.status_code == 200
    assert [m["sender_type"] for m in messages] == ["system", "user", "ai_agent"]
    assert again.json()["id"] == messages[2]["id"]
