"""A lean HTTP/1.1 client: it must cost little, for it shares the machine with the servers."""

import asyncio
import re
from collections import deque
from time import perf_counter
from typing import cast
from uuid import uuid4

import msgspec
from msgspec import Struct, field

from ports.errors import Unavailable

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS = slice(9, 12)
"""Where a status line has its code: 'HTTP/1.1 200'."""
MESSAGES = 20
"""Messages after which a customer's next one begins a fresh conversation."""
OK, CREATED = 200, 201
SHOWN = 300
"""Bytes of an unexpected answer that an error shows."""


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is waited for."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                Unavailable(f"A server closed the connection: {error or 'no reason'}.")
            )

    def data_received(self, data: bytes) -> None:
        """Gather until the answer is whole."""
        self._received += data
        head_ends = self._received.find(HEAD_END)
        if head_ends < 0 or self._answer is None:
            return
        length = LENGTH.search(self._received, 0, head_ends)
        if length is None:
            self._answer.set_exception(Unavailable("A server answered without a content-length."))
            return
        body = head_ends + len(HEAD_END)
        if len(self._received) >= body + int(length[1]):
            self._answer.set_result((int(self._received[STATUS]), bytes(self._received[body:])))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises `Unavailable` when the server hangs up."""
        if self._transport is None or self._transport.is_closing():
            raise Unavailable("A server closed the connection.")
        self._received.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Target(Struct):
    """One server to load. `fresh` holds conversations that nobody has spoken in yet."""

    name: str
    port: int
    key: str
    pids: list[int]
    fresh: deque[str] = field(default_factory=deque)

    def post(self, path: str, body: object) -> bytes:
        """The bytes of a POST with a JSON body."""
        content = msgspec.json.encode(body)
        head = (
            f"POST /api/v1/conversations{path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"X-API-Key: {self.key}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


class _Created(Struct):
    id: str


class _Answered(Struct):
    response: str
    requires_escalation: bool = False


_created, _answered = msgspec.json.Decoder(_Created), msgspec.json.Decoder(_Answered)


class Customer:
    """One connection, and the conversation that is held over it."""

    def __init__(self, target: Target, connection: Connection) -> None:
        self.target = target
        self.connection = connection
        self.escalations = 0
        self._conversation, self._left = "", 0

    async def say(self, text: str) -> float:
        """Say something in the current conversation, or a fresh one; seconds until its answer was there.

        A conversation that people have taken over is left, as one in which `MESSAGES` were said.
        """
        if not self._left:
            fresh = self.target.fresh
            self._conversation, self._left = fresh.popleft() if fresh else await self.open(), MESSAGES
        self._left -= 1
        seconds, escalated = await self.say_in(self._conversation, text)
        if escalated:
            self.escalations += 1
            self._left = 0
        return seconds

    async def say_in(self, conversation: str, text: str) -> tuple[float, bool]:
        """Seconds until the answer, and whether people took over. Raises `Unavailable` for an odd one."""
        request = self.target.post(f"/{conversation}/messages", {"content": text})
        began = perf_counter()
        status, body = await self.connection.ask(request)
        seconds = perf_counter() - began
        answer = _answered.decode(self._checked(status, body, OK))
        if not answer.response:
            raise Unavailable(f"{self.target.name} answered {text!r} with nothing.")
        return seconds, answer.requires_escalation

    async def open(self) -> str:
        """A new conversation of a new user."""
        body = {"user_id": str(uuid4()), "channel": "api"}
        status, answer = await self.connection.ask(self.target.post("", body))
        return _created.decode(self._checked(status, answer, CREATED)).id

    def _checked(self, status: int, body: bytes, wanted: int) -> bytes:
        if status != wanted:
            shown = body[:SHOWN].decode(errors="replace")
            raise Unavailable(f"{self.target.name} answered {status} instead of {wanted}: {shown}")
        return body


async def customers(target: Target, count: int) -> list[Customer]:
    """So many customers, connected."""
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(Connection, "127.0.0.1", target.port) for _ in range(count)]
    return [Customer(target, connection) for _, connection in pairs]
