"""Past turns with their facts, for rehearsing rules."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from domain.ids import OrganizationId
from domain.rules.backtest import Past


class History(Protocol):
    """What was known in every turn that was answered."""

    @abstractmethod
    def turns(
        self, organization: OrganizationId, since: datetime, limit: int
    ) -> AsyncIterator[Sequence[Past]]:
        """Turns since a time, oldest first, in batches; the message itself is among the facts.

        Raises `Unavailable`.
        """
