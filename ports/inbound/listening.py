"""Who follows a turn while it is thought about, and may leave."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.plan import Plan
from ports.outbound.turns import HeardTurn


def _nothing(_: object) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A client of one turn.

    `heard` is called once the message is safe, `drafted` with an answer that models may still better,
    `wrote` with the whole text that a model has written and passages have proved so far; `left` is set when
    the client is gone. Only a client that `reads` gets the last two.
    """

    heard: Callable[[HeardTurn], None] = _nothing
    drafted: Callable[[Plan], None] = _nothing
    wrote: Callable[[str], None] = _nothing
    reads: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)


NOBODY = Listener()
"""For turns that nobody waits for."""
