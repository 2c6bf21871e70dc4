"""Trials of rule sets, rehearsals on history, and the tenant's settings for both."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.ids import ContentHash, MessageId
from domain.rules.trial import Beside, Compared, Trial


class Ending(StrEnum):
    """How a trial ended."""

    PROMOTED = "promoted"
    STOPPED = "stopped"
    GUARD = "guard"
    SUPERSEDED = "superseded"


class TrialRecord(Struct, frozen=True):
    """A trial with its story: who began it and when, and how it ended."""

    trial: Trial
    actor: str
    started_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None


class Difference(Struct, frozen=True):
    """A turn that the two sides of a trial decided differently."""

    message: MessageId
    at: datetime
    beside: Beside


class Trials(Protocol):
    """The trials of one tenant, at most one open, inside a unit of work."""

    @abstractmethod
    async def start(self, record: TrialRecord) -> None:
        """Open a trial. Raises `Conflict` at the commit when one is open."""

    @abstractmethod
    async def end(self, trial: UUID, ending: Ending, at: datetime) -> None:
        """Close an open trial; a closed one stays as it is."""

    @abstractmethod
    async def latest(self, candidate: ContentHash | None = None) -> TrialRecord | None:
        """The newest trial, or the newest of a candidate."""

    @abstractmethod
    async def compared(self, trial: UUID, checked: datetime | None = None) -> Compared:
        """How a trial stands; `checked` is the time when the guard asks, which asks again later."""


class TrialTurns(Protocol):
    """The turns that trials decided, inside a unit of work."""

    @abstractmethod
    async def guarded(self, candidate: ContentHash) -> bool:
        """Whether the guard ever stopped a trial of a version."""

    @abstractmethod
    async def differences(self, trial: UUID, limit: int) -> Sequence[Difference]:
        """The newest turns that were decided differently."""


class RehearsalState(StrEnum):
    """Where a rehearsal is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Rehearsal(Struct, frozen=True):
    """A replay of past turns under a document, beside the live rules; `turns` were replayed so far."""

    id: UUID
    actor: str
    document: bytes
    since: datetime
    staffing: Mapping[str, float]
    created_at: datetime
    state: RehearsalState = RehearsalState.WAITING
    turns: int = 0
    report: object = None
    error: str | None = None


class Rehearsals(Protocol):
    """The rehearsals of one tenant, inside a unit of work."""

    @abstractmethod
    async def add(self, rehearsal: Rehearsal) -> None:
        """Ask for one; a worker picks it up."""

    @abstractmethod
    async def get(self, rehearsal: UUID) -> Rehearsal:
        """One with its report. Raises `NotFoundError`."""

    @abstractmethod
    async def advance(self, rehearsal: Rehearsal) -> bool:
        """Store state, turns, report and error of one that is waiting or running; False if it is neither."""

    @abstractmethod
    async def report_of(self, document: bytes) -> object:
        """The newest report on exactly this document, or None."""


class TenantSettings(Protocol):
    """The tenant's settings, inside a unit of work."""

    @abstractmethod
    async def get(self) -> Mapping[str, object]:
        """All settings."""

    @abstractmethod
    async def put(self, changes: Mapping[str, object]) -> None:
        """Set some, leave the others."""
