"""Dramatiq over Valkey wakes workers.

The work itself is a row in PostgreSQL, so losing a message loses nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Self

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed
from redis.exceptions import RedisError

from domain.ids import JobId
from ports.errors import Unavailable
from ports.outbound.jobs import Waker

QUEUE = "casepilot"
ACTOR = "run_job"
MAX_AGE_MS = 60_000
"""Milliseconds after which a ring is stale: the sweep has rung again by then."""


def broker(url: str) -> RedisBroker:
    """A broker without retries and results of its own: both belong to the job row."""
    middleware = [
        dramatiq.middleware.AgeLimit(max_age=MAX_AGE_MS),
        dramatiq.middleware.ShutdownNotifications(),
    ]
    return RedisBroker(  # type: ignore[no-untyped-call]  # the library types no part of it
        url=url,
        middleware=middleware,
        namespace="casepilot",
        maintenance_chance=100_000,
        heartbeat_timeout=10_000,
    )


class DramatiqWaker(Waker):
    """Rings by enqueuing one message a job."""

    def __init__(self, url: str) -> None:
        self._broker = broker(url)
        self._broker.declare_queue(QUEUE)

    async def wake(self, jobs: Sequence[JobId]) -> None:
        await asyncio.to_thread(self._ring, [str(job) for job in jobs])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._broker.close()

    def _ring(self, jobs: Sequence[str]) -> None:
        try:
            for job in jobs:
                message: dramatiq.Message[None] = dramatiq.Message(QUEUE, ACTOR, (job,), {}, {})
                self._broker.enqueue(message)
        except (RedisError, ConnectionClosed, OSError) as error:
            raise Unavailable(f"Workers cannot be woken: {error}") from error
