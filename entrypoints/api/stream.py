"""An answer as server-sent events: heard, the text piece by piece, the whole answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import structlog
from litestar.response import ServerSentEvent, ServerSentEventMessage

from domain.errors import DomainError
from domain.ids import MessageId
from entrypoints.api.schemas import Error
from ports.errors import WorldError
from ports.inbound.reply import Listener

PIECE = re.compile(r"\S+\s*|\s+")
PIECES_AT_ONCE = 8
"""Words in one delta."""

Run = Callable[[Listener], Awaitable[bytes]]

log = structlog.get_logger()
_running: set[asyncio.Task[bytes]] = set()


class _Response(msgspec.Struct):
    response: str


_response = msgspec.json.Decoder(_Response)


async def streamed(run: Run, message: MessageId, interrupted: Callable[[], None]) -> ServerSentEvent:
    """Start a turn; return once the message is safe, or raise what stopped it before that.

    The turn goes on when the customer leaves, so that what was heard is answered. `interrupted` is called
    when the world failed after the message was heard, before the client is told.
    """
    safe = asyncio.Event()
    turn = asyncio.ensure_future(run(lambda _: safe.set()))
    _running.add(turn)
    turn.add_done_callback(_running.discard)
    heard = asyncio.ensure_future(safe.wait())
    await asyncio.wait({turn, heard}, return_when=asyncio.FIRST_COMPLETED)
    if not safe.is_set():
        heard.cancel()
        await turn
    return ServerSentEvent(_events(turn, message, interrupted))


async def _events(
    turn: "asyncio.Future[bytes]", message: MessageId, interrupted: Callable[[], None]
) -> AsyncIterator[ServerSentEventMessage]:
    yield _event("heard", msgspec.json.encode({"message_id": message}))
    try:
        answer = await asyncio.shield(turn)
    except DomainError as error:
        yield _event("error", msgspec.json.encode(Error(str(error), {"code": error.code, **error.details})))
        return
    except WorldError as error:
        log.warning("turn_interrupted", error=str(error))
        interrupted()
        kept = "Your message is kept and will be answered shortly."
        yield _event("error", msgspec.json.encode(Error(kept, {"code": "unavailable"})))
        return
    words = PIECE.findall(_response.decode(answer).response)
    for start in range(0, len(words), PIECES_AT_ONCE):
        yield _event("delta", msgspec.json.encode({"text": "".join(words[start : start + PIECES_AT_ONCE])}))
    yield _event("answer", answer)


def _event(name: str, data: bytes) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=name, data=data.decode())
