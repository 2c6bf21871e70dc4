"""What past turns were decided from."""

from abc import abstractmethod
from typing import Protocol

from msgspec import Struct

from domain.ids import MessageId, OrganizationId


class Kept(Struct, frozen=True):
    """A turn as it was stored: its answer (JSON) and its receipt, None for turns before there were any."""

    answer: bytes
    receipt: bytes | None


class Receipts(Protocol):
    """Turns with their receipts."""

    @abstractmethod
    async def of(self, organization: OrganizationId, turn: MessageId) -> Kept:
        """The turn of a message, the customer's or our reply. Raises `NotFoundError`."""
