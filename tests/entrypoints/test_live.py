"""Talking over a WebSocket, on a real server."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from entrypoints.api.app import build
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.fakes.model_server import on_a_port
from tests.security.calls import a_started, transcript

pytestmark = pytest.mark.anyio

QUESTION = "How do I reset my password?"


@pytest.fixture(scope="module")
async def host(app: App, settings: Settings) -> AsyncIterator[str]:
    async with on_a_port(build(app, settings)) as address:
        yield f"ws://{address}"


async def events(socket: ClientConnection) -> list[tuple[str, Any]]:
    """The events of one turn, up to its answer."""
    found: list[tuple[str, Any]] = []
    while not found or found[-1][0] not in {"answer", "error"}:
        frame = json.loads(await socket.recv())
        found.append((frame["event"], frame["data"]))
    return found


async def test_messages_are_answered_one_after_another(
    host: str, client: httpx.AsyncClient, api_key: str
) -> None:
    path = await a_started(client)
    async with connect(f"{host}{path}/live") as socket:
        await socket.send(json.dumps({"api_key": api_key}))
        for text in (QUESTION, "That did not help."):
            await socket.send(json.dumps({"content": text}))
            first, *pieces, last = await events(socket)
            assert first[0] == "heard"
            assert "".join(data["text"] for _, data in pieces) == last[1]["response"]

    assert [one["sender_type"] for one in await transcript(client, path)][1:] == ["user", "ai_agent"] * 2


async def test_a_message_sent_again_is_answered_once(
    host: str, client: httpx.AsyncClient, api_key: str
) -> None:
    path = await a_started(client)
    answers = []
    for _ in range(2):
        async with connect(f"{host}{path}/live", additional_headers={"X-API-Key": api_key}) as socket:
            await socket.send(json.dumps({"content": QUESTION, "key": "once"}))
            answers.append((await events(socket))[-1][1]["id"])

    assert answers[0] == answers[1]
    assert len(await transcript(client, path)) == 3


@pytest.mark.parametrize(
    ("frame", "code"),
    [({"api_key": "cp_wrong"}, 4401), ({"token": "no.such.token"}, 4401), ({"what": 1}, 1003), ({}, 4401)],
)
async def test_whoever_is_not_known_is_hung_up_on(
    host: str, client: httpx.AsyncClient, frame: dict[str, object], code: int
) -> None:
    path = await a_started(client)
    async with connect(f"{host}{path}/live") as socket:
        await socket.send(json.dumps(frame))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


async def test_what_cannot_be_answered_is_said_and_the_call_goes_on(
    host: str, client: httpx.AsyncClient, api_key: str
) -> None:
    path = await a_started(client)
    async with connect(f"{host}{path}/live", additional_headers={"X-API-Key": api_key}) as socket:
        await socket.send(json.dumps({"content": "\x00"}))
        refused = await events(socket)
        await socket.send(json.dumps({"content": QUESTION}))
        answered = await events(socket)

    assert refused[-1][0] == "error"
    assert refused[-1][1]["details"]["code"]
    assert answered[-1][0] == "answer"


async def test_a_frame_that_is_no_message_ends_the_call(
    host: str, client: httpx.AsyncClient, api_key: str
) -> None:
    path = await a_started(client)
    async with connect(f"{host}{path}/live", additional_headers={"X-API-Key": api_key}) as socket:
        await socket.send("not json")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_another_tenants_conversation_is_not_found(host: str, api_key: str) -> None:
    path = "/api/v1/conversations/01890000-0000-7000-8000-00000000dead"
    async with connect(f"{host}{path}/live", additional_headers={"X-API-Key": api_key}) as socket:
        await socket.send(json.dumps({"content": QUESTION}))
        found = await events(socket)

    assert found[-1][0] == "error"
    assert found[-1][1]["details"]["code"] == "conversation_not_found"
