"""Figures that managers read, computed from what happened."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Protocol

from msgspec import Struct

from domain.ids import OrganizationId


class Spent(Struct, frozen=True):
    """What one model was asked and cost on a day (UTC); `cost` in US dollars."""

    day: date
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class Reports(Protocol):
    """Daily figures of a tenant."""

    @abstractmethod
    async def refresh(self, organization: OrganizationId, day: date) -> None:
        """Compute the figures of a day (UTC) anew from the conversations; doing it twice changes nothing."""

    @abstractmethod
    async def spent(self, organization: OrganizationId, since: date) -> Sequence[Spent]:
        """What language models cost, by day and model, the newest day first."""
