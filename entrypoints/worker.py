"""The worker process: one event loop with one composition, jobs woken by Dramatiq."""

import signal
import threading
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import dramatiq
import structlog
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.middleware import AsyncIO, Middleware

from adapters.dramatiq import ACTOR, QUEUE, broker
from domain.ids import JobId
from entrypoints.bootstrap import App, open_app
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings
from ports.errors import Unavailable

THREADS = 4
"""Jobs at a time in one process."""

log = structlog.get_logger()


class Composition(Middleware):
    """Opens the application on the worker's event loop at the start, and closes it at the end."""

    def __init__(self, settings: Settings) -> None:
        self._opening: AbstractAsyncContextManager[App] = open_app(settings)
        self.app: App | None = None

    def before_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Runs after AsyncIO's own hook, so the loop is there."""
        self.app = _loop().run_coroutine(self._opening.__aenter__())

    def after_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Runs before AsyncIO's own hook, so the loop is still there."""
        if self.app is not None:
            _loop().run_coroutine(self._opening.__aexit__(None, None, None))


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; running jobs are finished first."""
    die_with_parent(settings.parent)
    bell = broker(settings.redis_url)
    composition = Composition(settings)
    bell.add_middleware(AsyncIO())
    bell.add_middleware(composition)

    async def run_job(job: str) -> None:
        if composition.app is None:  # the composition failed to open; the row stays for another worker
            raise Unavailable("The worker has not started.")
        done = await composition.app.run_job(JobId(UUID(job)))
        log.info("job", id=job, done=done)

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=bell)(run_job)
    worker = dramatiq.Worker(bell, worker_threads=THREADS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    log.info("worker_ready", threads=THREADS)
    stop.wait()
    worker.stop()
    bell.close()


def _loop() -> EventLoopThread:
    loop = get_event_loop_thread()
    if loop is None:
        raise RuntimeError("The AsyncIO middleware comes before the composition.")
    return loop
