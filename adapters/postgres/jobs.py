"""Jobs, outbox and overdue sweeps in PostgreSQL, under the worker role."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import JobId, OrganizationId
from ports.outbound.jobs import Job, JobKind, Jobs, Leases, Outbox, Overdue

CLAIM = """
UPDATE core.jobs SET lease_until = now() + $2, tries = tries + 1
WHERE id = $1 AND NOT dead AND run_at <= now() AND (lease_until IS NULL OR lease_until < now())
RETURNING organization_id, kind, key, tries, asked
"""
# A job asked for again while it ran is not done: it goes back to the queue instead of away.
FINISH = "DELETE FROM core.jobs WHERE id = $1 AND tries = $2 AND asked = $3"
AGAIN = "UPDATE core.jobs SET lease_until = NULL, run_at = now() WHERE id = $1 AND tries = $2"
FAIL = """
UPDATE core.jobs SET lease_until = NULL, last_error = left($3, 500), dead = $4::interval IS NULL,
    run_at = now() + coalesce($4, interval '0')
WHERE id = $1 AND tries = $2
"""
DUE = """
SELECT id FROM core.jobs
WHERE NOT dead AND run_at <= now() AND (lease_until IS NULL OR lease_until < now())
ORDER BY run_at LIMIT $1
"""
ADD = """ON CONFLICT (organization_id, kind, key) WHERE NOT dead
    DO UPDATE SET asked = core.jobs.asked + 1, run_at = least(core.jobs.run_at, excluded.run_at)"""
RELAY = f"""
WITH taken AS (
    DELETE FROM core.outbox WHERE (organization_id, id) IN (
        SELECT organization_id, id FROM core.outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING organization_id, event
), jobs AS (
    INSERT INTO core.jobs (organization_id, kind, key, run_at)
    SELECT organization_id, kind, key, min(run_at) FROM taken, LATERAL (
        SELECT 'refresh_day' AS kind, left(event ->> 'at', 10) AS key, now() AS run_at
        WHERE event ? 'conversation'
        UNION ALL SELECT 'index', 'all', now() WHERE event ->> 'event' = 'knowledge_changed'
        UNION ALL SELECT 'learn', 'all', now() WHERE event ->> 'event' = 'review_asked'
        UNION ALL SELECT 'learn', 'all', now() + $2 WHERE event ->> 'event' IN ('resolved', 'feedback_given')
    ) work
    GROUP BY organization_id, kind, key
    {ADD}
)
SELECT count(*) FROM taken
"""  # no outside text
SILENT = """
INSERT INTO core.jobs (organization_id, kind, key)
SELECT organization_id, 'abandon', id::text FROM core.conversations
WHERE status = 'active' AND last_activity_at < $1 ORDER BY last_activity_at LIMIT 1000
ON CONFLICT DO NOTHING
"""
UNANSWERED = """
INSERT INTO core.jobs (organization_id, kind, key)
SELECT organization_id, 'answer', id::text FROM core.conversations
WHERE unanswered > 0 AND last_activity_at < $1 ORDER BY last_activity_at LIMIT 1000
ON CONFLICT DO NOTHING
"""
LAB = """
INSERT INTO core.jobs (organization_id, kind, key)
SELECT organization_id, 'rehearse', id::text FROM core.rehearsals WHERE state = 'waiting'
UNION ALL
SELECT organization_id, 'train', id::text FROM ai.trainings WHERE state = 'waiting'
UNION ALL
SELECT organization_id, 'guard', id::text FROM core.trials WHERE ended_at IS NULL AND checked_at < $1
ON CONFLICT DO NOTHING
"""
EXTEND = "UPDATE core.jobs SET lease_until = now() + $3 WHERE id = $1 AND tries = $2"
OUTLIVED = "DELETE FROM core.idempotency WHERE created_at < $1"


LEARNED_AFTER = timedelta(hours=1)
"""Time after which what happened to answers is looked at, all of it at once."""


class PostgresJobs(Jobs, Leases):
    """The queue."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, job: JobId, lease: timedelta) -> Job | None:
        async with driver(self._engine) as connection:
            row = await connection.fetchrow(CLAIM, job, lease)
        if row is None:
            return None
        kind = JobKind(row["kind"])
        return Job(job, OrganizationId(row["organization_id"]), kind, row["key"], row["tries"], row["asked"])

    async def finish(self, job: Job) -> bool:
        async with driver(self._engine) as connection:
            done = await connection.execute(FINISH, job.id, job.tries, job.asked)
            if done == "DELETE 1":
                return True
            return bool(await connection.execute(AGAIN, job.id, job.tries) == "UPDATE 1")

    async def fail(self, job: Job, error: str, retry_in: timedelta | None) -> None:
        async with driver(self._engine) as connection:
            await connection.execute(FAIL, job.id, job.tries, error.replace("\x00", ""), retry_in)

    async def extend(self, job: Job, lease: timedelta) -> bool:
        async with driver(self._engine) as connection:
            return bool(await connection.execute(EXTEND, job.id, job.tries, lease) == "UPDATE 1")

    async def due(self, limit: int) -> Sequence[JobId]:
        async with driver(self._engine) as connection:
            return [JobId(row["id"]) for row in await connection.fetch(DUE, limit)]


class PostgresOutbox(Outbox):
    """Events to jobs: figures of their day, the index of changed knowledge, lessons of what was resolved."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def relay(self, limit: int) -> int:
        async with driver(self._engine) as connection:
            return int(await connection.fetchval(RELAY, limit, LEARNED_AFTER))


class PostgresOverdue(Overdue):
    """What time has run out for."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def silent(self, since: datetime) -> int:
        return await self._count(SILENT, since)

    async def unanswered(self, since: datetime) -> int:
        return await self._count(UNANSWERED, since)

    async def lab(self, before: datetime) -> int:
        return await self._count(LAB, before)

    async def outlived(self, before: datetime) -> int:
        return await self._count(OUTLIVED, before)

    async def _count(self, statement: str, since: datetime) -> int:
        async with driver(self._engine) as connection:
            return int((await connection.execute(statement, since)).rsplit(" ", 1)[1])
