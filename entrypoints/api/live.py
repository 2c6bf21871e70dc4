"""Talking over a WebSocket: a message a frame in, its events as they come out.

The first frame names the caller, `{"token": …}` or `{"api_key": …}`, since browsers send no headers; callers
that can may send the usual headers instead. After that each frame is a message, `{"content": …}`, with a
`key` if it may be sent again. Frames out are `{"event": …, "data": …}` with the events of
`entrypoints.api.stream`. Close codes: 4401 unknown caller, 4403 the scope is missing, 4408 silent for too
long, 1003 a frame that cannot be read.
"""

import asyncio
from contextlib import aclosing
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, WebSocketDisconnect
from litestar.params import FromPath
from msgspec import Raw, Struct

from domain.errors import DomainError
from domain.ids import ConversationId, MessageId
from entrypoints.api.auth import Authenticator
from entrypoints.api.schemas import Error, SendMessage
from entrypoints.api.stream import Turn, refusal
from entrypoints.bootstrap import App
from ports.errors import WorldError
from ports.inbound.listening import Listener
from ports.inbound.reply import Reply
from ports.outbound.keys import Principal

UNKNOWN, FORBIDDEN, SILENT, UNREADABLE = 4401, 4403, 4408, 1003
SILENCE = 3_600.0
"""Seconds without a message after which the socket is closed, the customer's session_timeout."""
SLOW = 10.0
"""Seconds that a client may take to accept a frame."""
Socket = WebSocket[Any, Any, State]
T = TypeVar("T")


class Hello(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is calling."""

    token: str = ""
    api_key: str = ""


class Said(SendMessage, frozen=True, forbid_unknown_fields=True):
    """A message; `key` makes sending it again the same message."""

    key: str = ""


_hello, _said = msgspec.json.Decoder(Hello), msgspec.json.Decoder(Said)


class _HangUp(Exception):  # noqa: N818  # it ends a call, and is no error
    """End the call with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@websocket("/api/v1/conversations/{conversation_id:uuid}/live")
async def live(
    socket: Socket,
    conversation_id: FromPath[UUID],
    app: NamedDependency[App],
    authenticator: NamedDependency[Authenticator],
    rate_limit: NamedDependency[int],
) -> None:
    """One conversation, for as long as the customer stays."""
    await socket.accept()
    coming: asyncio.Future[Said] | None = None
    try:
        caller = await _caller(socket, authenticator)
        coming = asyncio.ensure_future(_frame(socket, _said))
        while True:
            said = await coming
            coming = asyncio.ensure_future(_frame(socket, _said))  # so that a hang-up is noticed meanwhile
            if await _allowed(socket, app, caller, rate_limit):
                await _answer(
                    socket, app, _command(app, caller, ConversationId(conversation_id), said), coming
                )
    except _HangUp as end:
        await socket.close(end.code, str(end))
    except (WebSocketDisconnect, TimeoutError):
        pass  # they left
    finally:
        if coming is not None:
            coming.cancel()


async def _caller(socket: Socket, authenticate: Authenticator) -> Principal:
    headers = socket.headers
    authorization, key = headers.get("authorization", ""), headers.get("x-api-key", "")
    if not authorization and not key:
        hello = await _frame(socket, _hello)
        authorization, key = f"Bearer {hello.token}" if hello.token else "", hello.api_key
    try:
        caller = await authenticate(authorization, key)
    except NotAuthorizedException as error:
        raise _HangUp(UNKNOWN, error.detail) from error
    if not caller.scopes & {"chat", "admin"}:
        raise _HangUp(FORBIDDEN, "This needs the scope 'chat'.")
    return caller


async def _frame(socket: Socket, decoder: "msgspec.json.Decoder[T]") -> T:
    try:
        async with asyncio.timeout(SILENCE):
            return decoder.decode(await socket.receive_data("text"))
    except TimeoutError as error:
        raise _HangUp(SILENT, "Nothing was said for an hour.") from error
    except msgspec.DecodeError as error:
        raise _HangUp(UNREADABLE, str(error)[:120]) from error


async def _allowed(socket: Socket, app: App, caller: Principal, limit: int) -> bool:
    allowance = await app.ports.traffic.count(caller.id, limit)
    if not allowance.allowed:
        error = Error("Rate limit exceeded", {"code": "rate_limited", "reset": allowance.reset})
        await _send(socket, "error", msgspec.json.encode(error))
    return allowance.allowed


def _command(app: App, caller: Principal, conversation: ConversationId, said: Said) -> Reply:
    everybody, message = caller.may_see_all, app.ports.ids.fresh()
    if said.key:
        message = uuid5(
            NAMESPACE_URL, f"casepilot:{caller.organization}:{conversation}:{caller.id}:{said.key}"
        )
    return Reply(
        caller.organization,
        conversation,
        MessageId(message),
        said.content,
        said.attachments,
        None if everybody else caller.user,
        said.depth if everybody else 0,
        None if everybody else frozenset(caller.groups),
    )


async def _answer(socket: Socket, app: App, command: Reply, coming: "asyncio.Future[Said]") -> None:
    """Send the events of a turn; `coming` is the next frame, which fails when the client hangs up."""

    async def run(listener: Listener) -> bytes:
        return await app.reply(command, listener)

    turn = Turn(run)

    def noticed(done: "asyncio.Future[Said]") -> None:
        if done.cancelled() or done.exception() is not None:
            turn.leave()

    coming.add_done_callback(noticed)
    try:
        await turn.heard()
    except (DomainError, WorldError) as error:
        await _send(socket, "error", msgspec.json.encode(refusal(error)))
        return
    async with aclosing(turn.events(command.message, lambda: None)) as events:
        async for name, data in events:
            await _send(socket, name, data)


async def _send(socket: Socket, event: str, data: bytes) -> None:
    async with asyncio.timeout(SLOW):
        await socket.send_text(msgspec.json.encode({"event": event, "data": Raw(data)}).decode())
