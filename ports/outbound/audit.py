"""The trail of who changed what."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Entry(Struct, frozen=True):
    """One change: who, when, what ('rules.publish'), on which subject, with details that hold no content."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, object] = {}


class Audit(Protocol):
    """The audit trail of one tenant, inside a unit of work: it is kept when the change is, or not at all."""

    @abstractmethod
    async def note(self, entry: Entry) -> None:
        """Add an entry."""

    @abstractmethod
    async def page(self, prefix: str, limit: int) -> Sequence[Entry]:
        """The newest entries whose action begins with a prefix, newest first."""
