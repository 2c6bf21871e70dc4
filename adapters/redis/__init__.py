"""Valkey or Redis: exact rate limits over all processes."""

import math
import time
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ports.outbound.traffic import Allowance, Traffic

WINDOW = 60
"""Seconds in a window."""
TIMEOUT = 0.25
"""Seconds to wait for the server before counting alone: a slow counter must not slow a turn."""
PAUSE = 1.0
"""Seconds without asking again after a failure."""
# Count, and let the key die with its window, in one atomic step.
COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n
"""

log = structlog.get_logger()


def connect(url: str) -> "Redis":
    """A client with short timeouts and no retries of its own."""
    return Redis.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )


class RedisTraffic(Traffic):
    """Fixed windows of a minute.

    While the server is down each process counts for itself and says so in the log.
    """

    def __init__(self, client: "Redis", now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._now = now
        self._alone: dict[str, int] = {}
        self._alone_in = 0
        self._down_until = 0.0

    async def count(self, caller: str, limit: int) -> Allowance:
        now = self._now()
        window = int(now // WINDOW)
        used = await self._used(f"casepilot:traffic:{window}:{caller}", window, now)
        return Allowance(limit, max(0, limit - used), math.ceil((window + 1) * WINDOW), used <= limit)

    async def _used(self, key: str, window: int, now: float) -> int:
        if now >= self._down_until:
            try:
                return int(await self._client.eval(COUNT, 1, key, WINDOW * 2))
            except (RedisError, OSError, TimeoutError) as error:
                self._down_until = now + PAUSE
                log.warning("traffic_counted_alone", error=str(error))
        if self._alone_in != window:
            self._alone, self._alone_in = {}, window
        self._alone[key] = self._alone.get(key, 0) + 1
        return self._alone[key]
