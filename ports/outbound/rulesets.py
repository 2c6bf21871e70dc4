"""Where rule sets live: drafts that people edit, and immutable versions by content hash, one of them live."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.ids import ContentHash, OrganizationId
from domain.rules.ruleset import RuleSet


class State(StrEnum):
    """Where a version is in its life."""

    IN_REVIEW = "in_review"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"
    REJECTED = "rejected"


class Version(Struct, frozen=True):
    """An immutable version, without its rules. `parent` is the version that its draft was made from.

    `analysis` and `rehearsal` are the reports that it was submitted with.
    """

    hash: ContentHash
    state: State
    author: str
    created_at: datetime
    parent: ContentHash | None = None
    approver: str | None = None
    note: str = ""
    analysis: object = None
    published_at: datetime | None = None
    rehearsal: object = None


class Draft(Struct, frozen=True):
    """Rules being written, right or not; `author` names all who saved it.

    `version` changes with every save; an editor names the one it read.
    """

    id: UUID
    title: str
    author: str
    version: int
    updated_at: datetime
    document: bytes
    parent: ContentHash | None = None


class RuleSets(Protocol):
    """The rule sets of one tenant that turns run on, inside a unit of work."""

    @abstractmethod
    async def add(self, version: Version, source: bytes) -> None:
        """Store a version; one that is known already stays, and gets a rehearsal if it has none."""

    @abstractmethod
    async def activate(self, version: ContentHash, approver: str, at: datetime) -> None:
        """Make a version the live one and retire the one before. Raises `NotFoundError`."""

    @abstractmethod
    async def active(self) -> ContentHash | None:
        """The live version, if there is one."""

    @abstractmethod
    async def source(self, version: ContentHash) -> bytes:
        """The JSON of a version. Raises `NotFoundError`."""


class Versions(Protocol):
    """The life of the tenant's versions, inside a unit of work."""

    @abstractmethod
    async def get(self, version: ContentHash) -> Version:
        """One version. Raises `NotFoundError`."""

    @abstractmethod
    async def page(self, limit: int) -> Sequence[Version]:
        """The newest versions, newest first, without their reports."""

    @abstractmethod
    async def move(self, version: ContentHash, state: State, approver: str | None) -> bool:
        """Change state and approver of a version in review or on trial; False if it is neither."""

    @abstractmethod
    async def lock(self) -> None:
        """Let nobody else change the state of the tenant's versions and trials until this unit ends."""


class Drafts(Protocol):
    """The drafts of one tenant, inside a unit of work."""

    @abstractmethod
    async def get(self, draft: UUID) -> Draft:
        """One draft. Raises `NotFoundError`."""

    @abstractmethod
    async def page(self) -> Sequence[Draft]:
        """All drafts, the last saved first."""

    @abstractmethod
    async def save(self, draft: Draft) -> None:
        """Store a draft of version 1, or replace the one that still has the version before this one.

        Raises `Conflict` when it moved on.
        """

    @abstractmethod
    async def remove(self, draft: UUID) -> None:
        """Remove a draft; if there is none, this is a no-op."""


class ActiveRules(Protocol):
    """Compiled rule sets, ready for a turn."""

    @abstractmethod
    async def at(self, organization: OrganizationId, version: ContentHash | None) -> RuleSet:
        """The compiled version; an empty rule set for None. Compiled once a version. Raises `Unavailable`."""
