"""A server of OpenAI's protocol on a real port, with every fault that such servers have."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from domain.answer import statements
from domain.grounding import ITEM
from domain.retrieval.chunking import blocks

Asked = dict[str, Any]
"""The request as it came: JSON, with the headers under `headers`."""
Writer = Callable[[Asked], str]
"""What the model says to a request."""
FAULTS = (
    "hang",
    "rate_limit",
    "error",
    "cut",
    "drip",
    "invalid_json",
    "not_json",
    "wrong_citations",
    "refusal",
    "endless",
    "bad_request",
    "reset",
)
"""Names of what can go wrong, each for one request."""
PACES = {"drip": 2.0, "slowly": 0.1}
"""Seconds between pieces; 'slowly' is no fault but makes pieces arrive one by one."""


def first_sentences(asked: Asked) -> str:
    """An honest writer: the first sentence of each of the first two passages."""
    given = json.loads(asked["messages"][-1]["content"])
    return answer_of([(sentences_of(one["text"])[0], one["number"]) for one in given["passages"][:2]])


def sentences_of(text: str) -> list[str]:
    """The statements of a passage, list marks taken away."""
    return [ITEM.sub("", one) for block in blocks(text) for one in statements(block)]


def answer_of(sentences: Sequence[tuple[str, int]]) -> str:
    """Sentences with the numbers of their passages in the agreed form."""
    return json.dumps({"paragraphs": [[{"text": text, "passage": number} for text, number in sentences]]})


class ModelServer:
    """`faults` are taken one a request, None for none; then all is well.

    `asked` is every request, `reached` tells of the first.
    """

    def __init__(self, writer: Writer = first_sentences) -> None:
        self.writer = writer
        self.faults: list[str | None] = []
        self.asked: list[Asked] = []
        self.cancelled = 0
        self.reached = asyncio.Event()
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = {**json.loads(body), "headers": headers}
        self.asked.append(asked)
        self.reached.set()
        fault = self.faults.pop(0) if self.faults else None
        gone = asyncio.ensure_future(_gone(receive))
        working = asyncio.ensure_future(self._answer(asked, fault, send))
        await asyncio.wait({gone, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            self.cancelled += 1
            working.cancel()
        gone.cancel()

    async def _answer(self, asked: Asked, fault: str | None, send: Any) -> None:
        match fault:
            case "hang":
                await asyncio.sleep(3_600)
            case "rate_limit":
                await _plain(send, 429, b'{"error":{"message":"slow down"}}', [(b"retry-after", b"20")])
            case "error":
                await _plain(send, 500, b'{"error":{"message":"it broke"}}')
            case "bad_request":
                await _plain(send, 400, b'{"error":{"message":"context too long"}}')
            case "not_json":
                await _plain(send, 200, b"<html>a proxy's page</html>", [(b"content-type", b"text/html")])
            case _:
                await self._stream(asked, fault, send)

    async def _stream(self, asked: Asked, fault: str | None, send: Any) -> None:
        text = {
            "wrong_citations": answer_of([("Nothing says this about anything.", 77)]),
            "not_agreed": "Sure! Here is what I think.",
            "refusal": "",
        }.get(fault or "")
        text = self.writer(asked) if text is None else text
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        if fault == "refusal":
            await _event(
                send, {"choices": [{"index": 0, "delta": {"refusal": "No."}, "finish_reason": None}]}
            )
        if fault == "invalid_json":
            await send({"type": "http.response.body", "body": b"data: {broken\n\n", "more_body": True})
        while fault == "endless":
            await _event(send, _delta({"content": "x" * 10_000}))
            await asyncio.sleep(0)  # so that it can be cancelled
        pieces = [text[start : start + 40] for start in range(0, len(text), 40)]
        for number, piece in enumerate(pieces):
            if fault in PACES:
                await asyncio.sleep(PACES[fault])
            if fault in {"cut", "reset"} and number >= len(pieces) // 2:
                break
            await _event(
                send, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            )
        if fault not in {"cut", "reset"}:
            await _event(send, _delta({}, "stop"))
            usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
            await _event(send, {"choices": [], "usage": usage})
            await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _plain(send: Any, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    named = [(b"content-type", b"application/json"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def _event(send: Any, data: dict[str, Any]) -> None:
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake", **data}
    await send(
        {"type": "http.response.body", "body": f"data: {json.dumps(whole)}\n\n".encode(), "more_body": True}
    )


@asynccontextmanager
async def serving(*servers: ModelServer) -> AsyncIterator[None]:
    """Each on a port of its own, inside this event loop."""
    async with AsyncExitStack() as stack:
        for one in servers:
            one.url = f"http://{await stack.enter_async_context(on_a_port(one))}/v1"
        yield


@asynccontextmanager
async def on_a_port(application: Any) -> AsyncIterator[str]:
    """An ASGI application on a real port, inside this event loop; its host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(application, port=port, interface=Interfaces.ASGINL, log_enabled=False)
    running = asyncio.ensure_future(server.serve())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian types it so
        await running
