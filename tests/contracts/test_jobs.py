"""Jobs on real PostgreSQL: leases, fencing, coalescing, burial; the outbox; what is overdue."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.jobs import PostgresJobs, PostgresOutbox, PostgresOverdue
from adapters.postgres.migrate import owner_engine
from adapters.postgres.reports import PostgresReports
from adapters.postgres.units import PostgresUnits
from domain.conversation import Status
from domain.ids import JobId, UserId
from ports.outbound.jobs import JobKind
from tests.builders import NOW, ORGANIZATION, a_new_conversation

LEASE = timedelta(seconds=60)
LAPSED = timedelta(seconds=-1)


@pytest.fixture
def jobs(worker_pool: AsyncEngine) -> PostgresJobs:
    return PostgresJobs(worker_pool)


@pytest.fixture
async def owner(database: str) -> AsyncIterator[AsyncEngine]:
    """A login that sees everything, to arrange and to look."""
    engine = owner_engine(database)
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM core.jobs"))
        await connection.execute(text("DELETE FROM core.outbox"))
    yield engine
    await engine.dispose()


async def add(owner: AsyncEngine, key: str = "2026-11-22") -> JobId:
    statement = text(
        "INSERT INTO core.jobs (organization_id, kind, key) VALUES (:org, 'refresh_day', :key) RETURNING id"
    )
    async with owner.begin() as connection:
        result = await connection.execute(statement, {"org": ORGANIZATION, "key": key})
        return JobId(UUID(str(result.scalar_one())))


async def rows(owner: AsyncEngine, statement: str) -> list[tuple[object, ...]]:
    async with owner.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def an_open_conversation(units: PostgresUnits, status: Status, unanswered: int) -> UUID:
    conversation = a_new_conversation(user=UserId(uuid4()))
    conversation.status, conversation.unanswered = status, unanswered
    async with units(ORGANIZATION) as unit:
        await unit.members.welcome(conversation.user)
        await unit.conversations.save(conversation)
        await unit.commit()
    return conversation.id


async def test_a_job_is_claimed_once(jobs: PostgresJobs, owner: AsyncEngine) -> None:
    job = await add(owner)

    first, second = await jobs.claim(job, LEASE), await jobs.claim(job, LEASE)

    assert first is not None
    assert (first.kind, first.key, first.tries) == (JobKind.REFRESH_DAY, "2026-11-22", 1)
    assert second is None


async def test_a_job_of_a_dead_worker_is_free_after_its_lease(jobs: PostgresJobs, owner: AsyncEngine) -> None:
    job = await add(owner)
    await jobs.claim(job, LAPSED)

    again = await jobs.claim(job, LEASE)

    assert again is not None
    assert again.tries == 2


async def test_a_worker_that_lost_its_lease_finishes_nothing(jobs: PostgresJobs, owner: AsyncEngine) -> None:
    job = await add(owner)
    stale = await jobs.claim(job, LAPSED)
    await jobs.claim(job, LEASE)
    assert stale is not None

    finished = await jobs.finish(stale)

    assert finished is False
    assert len(await rows(owner, "SELECT 1 FROM core.jobs")) == 1


async def test_a_finished_job_is_gone(jobs: PostgresJobs, owner: AsyncEngine) -> None:
    job = await jobs.claim(await add(owner), LEASE)
    assert job is not None

    assert await jobs.finish(job)
    assert await rows(owner, "SELECT 1 FROM core.jobs") == []


async def test_a_job_asked_for_again_while_it_ran_runs_again(jobs: PostgresJobs, owner: AsyncEngine) -> None:
    job = await jobs.claim(await add(owner), LEASE)
    assert job is not None
    async with owner.begin() as connection:
        await connection.execute(text("UPDATE core.jobs SET asked = asked + 1"))

    await jobs.finish(job)

    assert await jobs.due(10) == [job.id]


async def test_a_failed_job_waits_and_a_hopeless_one_is_buried_in_sight(
    jobs: PostgresJobs, owner: AsyncEngine
) -> None:
    waiting = await jobs.claim(await add(owner, "2026-01-01"), LEASE)
    hopeless = await jobs.claim(await add(owner, "2026-01-02"), LEASE)
    assert waiting is not None
    assert hopeless is not None

    await jobs.fail(waiting, "later", timedelta(hours=1))
    await jobs.fail(hopeless, "never\x00", None)

    assert await jobs.due(10) == []
    found = await rows(owner, "SELECT key, dead, last_error FROM core.jobs ORDER BY key")
    assert found == [("2026-01-01", False, "later"), ("2026-01-02", True, "never")]


async def test_events_become_one_job_a_day(
    worker_pool: AsyncEngine, app_pool: AsyncEngine, owner: AsyncEngine
) -> None:
    units = PostgresUnits(app_pool)
    for _ in range(3):
        await an_open_conversation(units, Status.ACTIVE, 0)

    relayed = await PostgresOutbox(worker_pool).relay(10)

    assert relayed == 3
    assert await rows(owner, "SELECT kind, key, asked FROM core.jobs") == [("refresh_day", "2026-11-22", 1)]
    assert await PostgresOutbox(worker_pool).relay(10) == 0


async def test_only_silent_active_conversations_are_abandoned(
    worker_pool: AsyncEngine, app_pool: AsyncEngine, owner: AsyncEngine
) -> None:
    units = PostgresUnits(app_pool)
    silent = await an_open_conversation(units, Status.ACTIVE, 0)
    await an_open_conversation(units, Status.WAITING, 1)
    overdue = PostgresOverdue(worker_pool)

    assert await overdue.silent(NOW - timedelta(minutes=1)) == 0
    await overdue.silent(NOW + timedelta(minutes=31))
    again = await overdue.silent(NOW + timedelta(minutes=31))

    found = await rows(owner, "SELECT key FROM core.jobs WHERE kind = 'abandon'")
    assert (str(silent),) in found
    assert again == 0


async def test_unanswered_conversations_are_found_whatever_their_state(
    worker_pool: AsyncEngine, app_pool: AsyncEngine, owner: AsyncEngine
) -> None:
    units = PostgresUnits(app_pool)
    waiting = await an_open_conversation(units, Status.WAITING, 1)
    escalated = await an_open_conversation(units, Status.ESCALATED, 2)
    await an_open_conversation(units, Status.ACTIVE, 0)

    await PostgresOverdue(worker_pool).unanswered(NOW + timedelta(minutes=1))

    found = {key for (key,) in await rows(owner, "SELECT key FROM core.jobs WHERE kind = 'answer'")}
    assert {str(waiting), str(escalated)} <= found


async def test_kept_answers_are_forgotten_in_the_end(worker_pool: AsyncEngine, owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO core.idempotency (organization_id, key, fingerprint, lease_until, created_at)"
                " VALUES (:org, 'old', '', now(), '2026-01-01')"
            ),
            {"org": ORGANIZATION},
        )

    assert await PostgresOverdue(worker_pool).outlived(NOW) == 1


async def test_a_days_figures_are_the_same_however_often_they_are_computed(
    app_pool: AsyncEngine, owner: AsyncEngine
) -> None:
    await an_open_conversation(PostgresUnits(app_pool), Status.ESCALATED, 0)
    reports = PostgresReports(app_pool)

    await reports.refresh(ORGANIZATION, NOW.date())
    first = await rows(owner, "SELECT day, channel, started, abandoned FROM analytics.days")
    await reports.refresh(ORGANIZATION, NOW.date())

    assert first == await rows(owner, "SELECT day, channel, started, abandoned FROM analytics.days")
    assert len(first) == 1
