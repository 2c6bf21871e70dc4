"""The three servers under test, one worker each, on one PostgreSQL and one Valkey."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.local import free_port
from entrypoints.cli.supervisor import Child
from entrypoints.embedded import Stack, Step, stack
from entrypoints.settings import Settings, child_environment
from ops.bench.client import Target
from ports.errors import Unavailable

START_SECONDS = 90.0
STOP_SECONDS = 10.0
UNLIMITED = 1_000_000_000
"""Requests a minute: the limit is counted as always and never reached."""
MODELS = Path(__file__).parents[2] / ".cache/models"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LAST_WORDS = 400
"""Characters of a log that an error shows."""


class Variant(Struct, frozen=True):
    """A server and the command that starts it; `own_database` when it does not share Casepilot's."""

    name: str
    module: Sequence[str]
    own_database: bool


VARIANTS = (
    Variant("turn", ("entrypoints.cli", "api"), own_database=False),
    Variant("floor", ("ops.bench.floor",), own_database=True),
    Variant("prd", ("ops.bench.prd",), own_database=True),
)


@contextmanager
def targets(step: Step) -> Iterator[dict[str, Target]]:
    """Start everything in a temporary folder; end every process, also when interrupted or told to stop."""
    before = {number: signal.signal(number, _stop) for number in STOPS}
    known = {"cache": str(MODELS)} if MODELS.exists() else {}
    try:
        with (
            tempfile.TemporaryDirectory(prefix="casepilot-bench-") as folder,
            stack(
                Path(folder), "casepilot bench", step, rate_limit=UNLIMITED, parent=os.getpid(), **known
            ) as on,
            _children(on, Path(folder), step) as found,
        ):
            try:
                yield found
            finally:
                _deafen()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(*_: object) -> None:
    """Stop at the first signal; later ones must not disturb the cleaning up."""
    _deafen()
    raise KeyboardInterrupt


def _deafen() -> None:
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _children(on: Stack, folder: Path, step: Step) -> Iterator[dict[str, Target]]:
    children: list[Child] = []
    found: dict[str, Target] = {}
    try:
        for variant in VARIANTS:
            step(f"Starting {variant.name}", 0, 0)
            settings = asyncio.run(_settings(on.settings, variant))
            log = folder / f"{variant.name}.log"
            command = [sys.executable, "-m", *variant.module]
            child = Child(variant.name, command, child_environment(settings), log)
            children.append(child)
            _wait(child, settings.port, log)
            found[variant.name] = Target(variant.name, settings.port, on.api_key, _pids(child))
        yield found
    finally:
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            child.end(deadline)


async def _settings(settings: Settings, variant: Variant) -> Settings:
    """Settings of one server: a port of its own, and the references an empty database each."""
    settings = replace(settings, port=free_port())
    if not variant.own_database:
        return settings
    name = f"bench_{variant.name}"
    owner = make_url(settings.owner_url).set(drivername="postgresql+asyncpg")
    server = create_async_engine(owner, isolation_level="AUTOCOMMIT")
    async with server.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await server.dispose()
    url = make_url(settings.owner_url).set(database=name)
    return replace(settings, database_url=url.render_as_string(hide_password=False))


def _wait(child: Child, port: int, log: Path) -> None:
    """Wait until the server answers anything. Raises `Unavailable` with its last words."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", timeout=2)
        except httpx.TransportError as error:
            process = child.process
            if time.monotonic() > deadline or process is None or process.poll() is not None:
                words = log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
                raise Unavailable(f"The server '{child.name}' did not start: {words.strip()}") from error
            time.sleep(0.05)
        else:
            return


def _pids(child: Child) -> list[int]:
    root = psutil.Process(child.process.pid if child.process else None)
    return [root.pid, *(process.pid for process in root.children(recursive=True))]


def cpu_seconds(target: Target) -> float:
    """Processor time that a server has used so far."""
    times = [psutil.Process(pid).cpu_times() for pid in target.pids]
    return float(sum(spent.user + spent.system for spent in times))
