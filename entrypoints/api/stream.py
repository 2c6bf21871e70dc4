"""An answer as it comes: heard, the text piece by piece, the whole answer.

Events are `heard` (the message is safe), `draft` (an answer from the passages that a language model may still
better; it replaces what was shown), `delta` (more text; the first one after a draft begins the text that
replaces it), and `answer` (the whole answer, which stands) or `error`.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec
import structlog
from litestar.response import ServerSentEvent, ServerSentEventMessage

from domain.errors import DomainError
from domain.ids import MessageId
from domain.plan import Plan
from entrypoints.api.schemas import Error
from ports.errors import WorldError
from ports.inbound.listening import Listener

PIECE = re.compile(r"\S+\s*|\s+")
PIECES_AT_ONCE = 8
"""Words in one delta."""

Run = Callable[[Listener], Awaitable[bytes]]
Event = tuple[str, bytes]
"""A name and JSON."""

log = structlog.get_logger()
_running: set[asyncio.Task[bytes]] = set()


class _Response(msgspec.Struct):
    response: str


_response = msgspec.json.Decoder(_Response)


class Turn:
    """A turn under way, and its events for one client.

    The turn goes on when the customer leaves, so that what was heard is answered; models do not.
    """

    def __init__(self, run: Run) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._told = ""
        self._safe = asyncio.Event()
        self._listener = Listener(
            lambda _: self._safe.set(), self._drafted, self._wrote, reads=True, left=asyncio.Event()
        )
        self._turn = asyncio.ensure_future(run(self._listener))
        _running.add(self._turn)
        self._turn.add_done_callback(_running.discard)

    async def heard(self) -> None:
        """Return once the message is safe, or raise what stopped it before that."""
        safe = asyncio.ensure_future(self._safe.wait())
        await asyncio.wait({self._turn, safe}, return_when=asyncio.FIRST_COMPLETED)
        if not self._safe.is_set():
            safe.cancel()
            await self._turn

    async def events(self, message: MessageId, interrupted: Callable[[], None]) -> AsyncGenerator[Event]:
        """Everything up to the answer.

        `interrupted` is called when the world failed after the message was heard, before the client is told.
        """
        try:
            yield "heard", msgspec.json.encode({"message_id": message})
            while not self._turn.done() or not self._events.empty():
                coming = asyncio.ensure_future(self._events.get())
                await asyncio.wait({self._turn, coming}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    yield coming.result()
                else:
                    coming.cancel()
            async for event in self._last(interrupted):
                yield event
        finally:
            self.leave()

    def leave(self) -> None:
        """The client is gone: models stop, the answer is kept."""
        self._listener.left.set()

    async def _last(self, interrupted: Callable[[], None]) -> AsyncGenerator[Event]:
        try:
            answer = await asyncio.shield(self._turn)
        except (DomainError, WorldError) as error:
            if isinstance(error, WorldError):
                log.warning("turn_interrupted", error=str(error))
                interrupted()
            kept = "Your message is kept and will be answered shortly."
            yield "error", msgspec.json.encode(refusal(error, kept))
            return
        if not self._told:
            words = PIECE.findall(_response.decode(answer).response)
            for start in range(0, len(words), PIECES_AT_ONCE):
                yield _delta("".join(words[start : start + PIECES_AT_ONCE]))
        yield "answer", answer

    def _drafted(self, plan: Plan) -> None:
        draft = {"text": plan.text, "citations": plan.citations, "confidence": plan.confidence}
        self._events.put_nowait(("draft", msgspec.json.encode(draft)))

    def _wrote(self, text: str) -> None:
        if text.startswith(self._told):
            self._events.put_nowait(_delta(text[len(self._told) :]))
            self._told = text


async def streamed(run: Run, message: MessageId, interrupted: Callable[[], None]) -> ServerSentEvent:
    """Start a turn; return its events once the message is safe, or raise what stopped it before that."""
    turn = Turn(run)
    await turn.heard()

    async def messages() -> AsyncGenerator[ServerSentEventMessage]:
        async with aclosing(turn.events(message, interrupted)) as events:
            async for name, data in events:
                yield ServerSentEventMessage(event=name, data=data.decode())

    return ServerSentEvent(messages())


def refusal(
    error: DomainError | WorldError, excuse: str = "Casepilot cannot do this now. Try again."
) -> Error:
    """An error as clients see it; of the world's only an excuse, since the details stay in the log."""
    if isinstance(error, DomainError):
        return Error(str(error), {"code": error.code, **error.details})
    return Error(excuse, {"code": "unavailable"})


def _delta(text: str) -> Event:
    return "delta", msgspec.json.encode({"text": text})
