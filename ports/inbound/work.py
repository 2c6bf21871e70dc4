"""Work in the background: run a job; relay events, find what is overdue, and wake workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.conversation import Conversation
from domain.errors import DomainError, NotFoundError
from domain.ids import ConversationId, JobId
from ports.errors import Conflict, Refused, WorldError
from ports.inbound.learn import ReviewKnowledge
from ports.inbound.rehearse import Rehearse
from ports.inbound.reply import ReplyToMessage
from ports.inbound.train import TrainIntents
from ports.inbound.trial import RuleTrials
from ports.outbound.clock import Clock
from ports.outbound.jobs import Job, JobKind, Jobs, Leases, Outbox, Overdue, Waker
from ports.outbound.knowledge import Refresh
from ports.outbound.reports import Reports
from ports.outbound.turns import HearCommand, Turns
from ports.outbound.units import Begin

LEASE = timedelta(seconds=60)
"""Time a worker has for a job; a job of a dead worker is free again after it."""
MAX_TRIES = 8
FIRST_DELAY = timedelta(seconds=2)
"""Delay after the first failure; doubled after each."""
UNANSWERED_AFTER = timedelta(seconds=5)
"""Age from which an unanswered message is taken for forgotten: far above any turn."""
KEPT_ANSWERS = timedelta(hours=48)
"""Time for which a repeated request gets its first answer again."""
GUARD_EVERY = timedelta(seconds=10)
"""How often the guard looks at an open trial."""
BATCH = 500
TOO_LONG = "It took too long, too often."


class Timing(Struct, frozen=True):
    """How long silence may last, a message go unanswered before it is swept up, a worker keep a job."""

    inactive: timedelta = timedelta(minutes=30)
    unanswered: timedelta = UNANSWERED_AFTER
    lease: timedelta = LEASE
    model: timedelta = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class RunJob:
    """Claim a job, do it, finish it; a failure is tried again later, and buried in the end."""

    jobs: Jobs
    begin: Begin
    turns: Turns
    reply: ReplyToMessage
    reports: Reports
    clock: Clock
    timing: Timing
    rehearse: Rehearse
    trials: RuleTrials
    leases: Leases
    refresh: Refresh
    review: ReviewKnowledge
    train: TrainIntents

    async def __call__(self, job_id: JobId) -> bool:
        """True when the job was done; False when there was nothing to do or it failed and waits."""
        job = await self.jobs.claim(job_id, self.timing.lease)
        if job is None:
            return False
        if job.tries > MAX_TRIES:  # its workers died, or never came to an end
            await self.jobs.fail(job, "tried too often", None)
            await self._give_up(job, TOO_LONG)
            return False
        try:
            async with self._held(job):
                await self._do(job)
        except (WorldError, DomainError) as error:
            hopeless = job.tries >= MAX_TRIES or isinstance(error, Refused | DomainError)
            if hopeless:
                await self._give_up(job, str(error))
            await self.jobs.fail(job, str(error), None if hopeless else FIRST_DELAY * 2 ** (job.tries - 1))
            return False
        return await self.jobs.finish(job)

    async def _give_up(self, job: Job, why: str) -> None:
        """Say so where somebody waits for a job that will not be tried again."""
        if job.kind is JobKind.REHEARSE:
            await self.rehearse.give_up(job.organization, UUID(job.key), why)
        if job.kind is JobKind.TRAIN:
            await self.train.give_up(job.organization, UUID(job.key), why)

    @asynccontextmanager
    async def _held(self, job: Job) -> AsyncIterator[None]:
        """Keep the job while it is done, however long that takes; a dead worker's is free after the lease."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self.timing.lease.total_seconds() / 3)
                with suppress(WorldError):  # the next beat may reach the database again
                    await self.leases.extend(job, self.timing.lease)

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()

    async def _do(self, job: Job) -> None:
        match job.kind:
            case JobKind.ANSWER:
                await self._answer(job)
            case JobKind.ABANDON:
                await self._abandon(job)
            case JobKind.REFRESH_DAY:
                await self.reports.refresh(job.organization, date.fromisoformat(job.key))
            case JobKind.REHEARSE:
                await self.rehearse.run(
                    job.organization, UUID(job.key), lambda _: self.leases.extend(job, self.timing.lease)
                )
            case JobKind.INDEX:
                await self.refresh(job.organization)
            case JobKind.TRAIN:
                await self.train.run(
                    job.organization, UUID(job.key), lambda _: self.leases.extend(job, self.timing.lease)
                )
            case JobKind.LEARN:
                await self.review(job.organization)
            case JobKind.GUARD:
                await self.trials.guard(job.organization)

    async def _answer(self, job: Job) -> None:
        """Answer what was heard and never answered; the one-reply rule settles races with live turns."""
        conversation = ConversationId(UUID(job.key))
        before = self.clock.now() - self.timing.unanswered
        for waiting in await self.turns.unanswered(job.organization, conversation, before):
            turn = await self.turns.hear(HearCommand(job.organization, conversation, waiting.message))
            if turn.reply is None:
                await self.reply.answer(turn, waiting.message, self.clock.now())

    async def _abandon(self, job: Job) -> None:
        try:
            async with self.begin(job.organization) as unit:
                conversation: Conversation = await unit.conversations.get(ConversationId(UUID(job.key)))
                if conversation.abandon(self.clock.now(), after=self.timing.inactive):
                    await unit.conversations.save(conversation)
                    await unit.commit()
        except (Conflict, NotFoundError):
            return  # it changed at this moment, so it is not silent; or it is gone


class Swept(Struct, frozen=True):
    """What one sweep found."""

    relayed: int
    silent: int
    unanswered: int
    woken: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """One round of the scheduler. Losing a round loses nothing: the next one finds the same."""

    outbox: Outbox
    overdue: Overdue
    jobs: Jobs
    waker: Waker
    clock: Clock
    timing: Timing

    async def __call__(self) -> Swept:
        """Raises `Unavailable` when the database or the bell is down."""
        now: datetime = self.clock.now()
        relayed = await self.outbox.relay(BATCH)
        silent = await self.overdue.silent(now - self.timing.inactive)
        unanswered = await self.overdue.unanswered(now - self.timing.unanswered)
        await self.overdue.lab(now - GUARD_EVERY)
        await self.overdue.outlived(now - KEPT_ANSWERS)
        due = await self.jobs.due(BATCH)
        await self.waker.wake(due)
        return Swept(relayed, silent, unanswered, len(due))
