"""Time and fresh identifiers."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """The time, in UTC."""

    @abstractmethod
    def now(self) -> datetime:
        """The current time, aware, UTC."""


class Ids(Protocol):
    """Identifiers nobody else has."""

    @abstractmethod
    def fresh(self) -> UUID:
        """A new identifier, ordered by time (UUID version 7)."""
