"""What people should look at in the knowledge: learned articles, gaps, doubts."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class ProposalKind(StrEnum):
    """An article learned from a conversation, a question without an answer, a doubtful article."""

    ARTICLE = "article"
    GAP = "gap"
    DOUBT = "doubt"


class ProposalState(StrEnum):
    """`outdated`: a later review did not find it any more."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    OUTDATED = "outdated"


class Proposal(Struct, frozen=True):
    """One thing to decide. `key` makes it the same when found again; `detail` says where it comes from."""

    id: UUID
    kind: ProposalKind
    key: str
    title: str
    body: str
    detail: Mapping[str, object]
    created_at: datetime
    state: ProposalState = ProposalState.OPEN
    decided_by: str | None = None
    decided_at: datetime | None = None


class Proposals(Protocol):
    """The proposals of one tenant, inside a unit of work."""

    @abstractmethod
    async def offer(self, found: Sequence[Proposal], renewed: Sequence[ProposalKind]) -> int:
        """Add what is new, bring what is open up to date, leave what was decided but for its detail.

        How many are new.

        Open ones of the `renewed` kinds that are not among these become outdated.
        """

    @abstractmethod
    async def page(self, kind: ProposalKind | None, state: ProposalState, limit: int) -> Sequence[Proposal]:
        """The newest first."""

    @abstractmethod
    async def get(self, proposal: UUID) -> Proposal:
        """One proposal. Raises `NotFoundError`."""

    @abstractmethod
    async def decide(self, proposal: UUID, state: ProposalState, actor: str, at: datetime) -> bool:
        """Close an open proposal; False when it is not open any more."""


class Reviews(Protocol):
    """Reviews of one tenant's knowledge, inside a unit of work."""

    @abstractmethod
    async def ask(self) -> None:
        """Have a worker look for proposals soon."""
