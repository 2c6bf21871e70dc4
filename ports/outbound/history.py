"""Past turns with their facts, for rehearsing rules."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.ids import ContentHash, MessageId, OrganizationId
from domain.rules.backtest import Past


class LastFired(Struct, frozen=True):
    """How often a rule fired, and when last."""

    times: int
    last: datetime


class History(Protocol):
    """What was known in every turn that was answered."""

    @abstractmethod
    def turns(
        self, organization: OrganizationId, since: datetime, limit: int
    ) -> AsyncIterator[Sequence[Past]]:
        """Turns since a time, oldest first, in batches; the message itself is among the facts.

        Raises `Unavailable`.
        """

    @abstractmethod
    async def one(self, organization: OrganizationId, heard: MessageId) -> tuple[Past, ContentHash | None]:
        """The turn that answered a message, with the version that decided it. Raises `NotFoundError`."""

    @abstractmethod
    async def fired(self, organization: OrganizationId, since: datetime) -> Mapping[str, LastFired]:
        """The rules that fired since a time, by id."""
