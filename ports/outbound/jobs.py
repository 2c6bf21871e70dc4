"""Jobs: rows that are claimed with a lease and a fencing number, and the bell that wakes workers."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from domain.ids import JobId, OrganizationId


class JobKind(StrEnum):
    """What there is to do."""

    ANSWER = "answer"
    ABANDON = "abandon"
    REFRESH_DAY = "refresh_day"
    REHEARSE = "rehearse"
    GUARD = "guard"
    INDEX = "index"
    LEARN = "learn"
    TRAIN = "train"


class Job(Struct, frozen=True):
    """A claimed job.

    `tries` is the fencing number: only the holder of the newest may finish it. `asked` counts how often it
    was asked for; one asked for again while it ran is run again.
    """

    id: JobId
    organization: OrganizationId
    kind: JobKind
    key: str
    tries: int
    asked: int


class Jobs(Protocol):
    """The queue, across tenants; it sees job rows and times, never what was said."""

    @abstractmethod
    async def claim(self, job: JobId, lease: timedelta) -> Job | None:
        """Take a due job for `lease`; None when it is gone, not due, or somebody holds it."""

    @abstractmethod
    async def finish(self, job: Job) -> bool:
        """Remove a done job; False when the lease was lost to somebody else."""

    @abstractmethod
    async def fail(self, job: Job, error: str, retry_in: timedelta | None) -> None:
        """Release a job for another try, or bury it (kept and visible) when `retry_in` is None."""

    @abstractmethod
    async def due(self, limit: int) -> Sequence[JobId]:
        """Jobs that are due and held by nobody, oldest first."""


class Leases(Protocol):
    """Keeping a job while a long one runs."""

    @abstractmethod
    async def extend(self, job: Job, lease: timedelta) -> bool:
        """Hold a claimed job for `lease` from now; False when it was lost to somebody else."""


class Outbox(Protocol):
    """Events waiting to be relayed, across tenants."""

    @abstractmethod
    async def relay(self, limit: int) -> int:
        """Turn up to `limit` events into jobs, in one transaction with their removal; returns how many."""


class Overdue(Protocol):
    """Finds what time has run out for, across tenants, and makes it a job. Content stays unseen."""

    @abstractmethod
    async def silent(self, since: datetime) -> int:
        """Queue the abandonment of active conversations without activity since `since`; returns how many."""

    @abstractmethod
    async def unanswered(self, since: datetime) -> int:
        """Queue the answering of conversations that have waited since `since`; returns how many."""

    @abstractmethod
    async def lab(self, before: datetime) -> int:
        """Queue rehearsals that wait and trials not looked at since `before`; returns how many."""

    @abstractmethod
    async def outlived(self, before: datetime) -> int:
        """Forget answers kept for repeated requests since before `before`; returns how many."""


class Waker(Protocol):
    """The bell that wakes workers. Losing a ring loses no work: a sweep rings again."""

    @abstractmethod
    async def wake(self, jobs: Sequence[JobId]) -> None:
        """Ring for these jobs. Raises `Unavailable` when the bell is broken."""
