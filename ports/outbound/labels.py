"""Answers of which it is known whether they were right."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from domain.confidence import Confidence
from domain.ids import OrganizationId


class Label(Struct, frozen=True):
    """One answer's confidence with its parts, and whether the answer was right."""

    parts: Confidence
    right: bool


class Labels(Protocol):
    """What people said of a tenant's answers."""

    @abstractmethod
    async def rated(self, organization: OrganizationId, limit: int) -> Sequence[Label]:
        """Rated answers from knowledge, the last rated first."""
