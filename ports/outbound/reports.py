"""Figures that managers read, computed from what happened."""

from abc import abstractmethod
from datetime import date
from typing import Protocol

from domain.ids import OrganizationId


class Reports(Protocol):
    """Daily figures of a tenant."""

    @abstractmethod
    async def refresh(self, organization: OrganizationId, day: date) -> None:
        """Compute the figures of a day (UTC) anew from the conversations; doing it twice changes nothing."""
