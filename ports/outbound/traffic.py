"""How often a caller may call."""

from abc import abstractmethod
from typing import Protocol

from msgspec import Struct


class Allowance(Struct, frozen=True):
    """What is left in this window; `reset` is the Unix second at which the next one begins."""

    limit: int
    remaining: int
    reset: int
    allowed: bool


class Traffic(Protocol):
    """Counts calls in fixed windows of a minute, exactly, over all processes."""

    @abstractmethod
    async def count(self, caller: str, limit: int) -> Allowance:
        """Count one call. When the counter is down calls are counted in this process alone."""
