"""The scheduler process: one sweep after another. Several may run; they do not get in each other's way."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog

from entrypoints.bootstrap import open_sweep
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings
from ports.errors import WorldError
from ports.inbound.work import Swept

log = structlog.get_logger()


async def run(settings: Settings) -> None:
    """Sweep until SIGTERM or SIGINT."""
    die_with_parent(settings.parent)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_sweep(settings) as sweep:
        log.info("scheduler_ready", every=settings.sweep_seconds)
        await sweep_until(stop, sweep, settings.sweep_seconds)


async def sweep_until(stop: asyncio.Event, sweep: Callable[[], Awaitable[Swept]], every: float) -> None:
    """Sweep every `every` seconds until `stop` is set; a sweep that fails is tried again at the next one."""
    while not stop.is_set():
        try:
            swept = await sweep()
            if any((swept.relayed, swept.silent, swept.unanswered)):
                log.info("swept", relayed=swept.relayed, silent=swept.silent, unanswered=swept.unanswered)
        except WorldError as error:
            log.warning("sweep_failed", error=str(error))
        try:
            async with asyncio.timeout(every):
                await stop.wait()
        except TimeoutError:
            continue
