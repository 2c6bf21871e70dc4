"""The database stops in the middle of things: 503 with Retry-After; the message is answered later, once."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from adapters.local import LOGIN, Valkey
from adapters.postgres.engine import WORKER, engine
from adapters.postgres.jobs import PostgresJobs, PostgresOutbox, PostgresOverdue
from adapters.postgres.migrate import ensure_login, ensure_organization, migrate
from domain.ids import ContentHash, OrganizationId
from domain.rules.ruleset import RuleSet
from entrypoints.api.app import build
from entrypoints.bootstrap import App, connect, wire
from entrypoints.embedded import seed
from entrypoints.settings import Settings
from ports.errors import Unavailable
from ports.inbound.work import Sweep, Timing
from ports.outbound.keys import SCOPES
from ports.outbound.rulesets import ActiveRules
from tests.builders import NOW, ORGANIZATION
from tests.conftest import a_settings
from tests.fakes import Bell, FixedClock

KEEPER = """
import sys, time
from pathlib import Path
from adapters.local import postgres
with postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def kept(folder: Path) -> Iterator[str]:
    """A server kept by a process of its own, so that it can be killed and started again."""
    command = [sys.executable, "-W", "ignore", "-c", KEEPER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        yield keeper.stdout.readline().strip()


class PullsThePlug(ActiveRules):
    """Stops the database between hearing and saying, when it is told to."""

    def __init__(self, inner: ActiveRules, folder: Path) -> None:
        self._inner, self._folder = inner, folder
        self.armed = False

    async def at(self, organization: OrganizationId, version: ContentHash | None) -> RuleSet:
        rules = await self._inner.at(organization, version)
        if self.armed:
            self.armed = False
            stop(self._folder)
        return rules


def stop(folder: Path) -> None:
    """kill -9 the postmaster, and wait until it is gone."""
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]))
    backends = postmaster.children()
    os.kill(postmaster.pid, signal.SIGKILL)
    psutil.wait_procs(backends, timeout=20)


@pytest.fixture
async def stack(tmp_path: Path, valkey: Valkey) -> AsyncIterator[tuple[Settings, App, PullsThePlug, Path]]:
    """The application on a PostgreSQL of its own that can be killed."""
    folder = tmp_path / "postgres"
    with kept(folder) as url:
        await migrate(url)
        await ensure_login(url, LOGIN)
        await ensure_organization(url, ORGANIZATION, "Test company", "enterprise")
        settings = a_settings(url, valkey.url)
        await seed(settings, ORGANIZATION, lambda *_: None)
        async with connect(settings) as ports:
            plug = PullsThePlug(ports.rules, folder)
            yield settings, wire(replace(ports, rules=plug), settings.timing), plug, folder


async def test_a_database_killed_mid_turn_loses_nothing(
    stack: tuple[Settings, App, PullsThePlug, Path],
) -> None:
    settings, app, plug, folder = stack
    key = await app.ports.keys.issue(ORGANIZATION, "test", frozenset(SCOPES), NOW)
    transport = httpx.ASGITransport(build(app, settings))  # type: ignore[arg-type]  # ASGI typed twice
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers={"X-API-Key": key}
    ) as client:
        started = await client.post("/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "web"})
        path = f"/api/v1/conversations/{started.json()['id']}/messages"

        plug.armed = True
        failed = await client.post(path, json={"content": "How do I reset my password?"})
        down = await client.get(path)
        with kept(folder):
            await answer_what_was_heard(settings, app)
            await answer_what_was_heard(settings, app)
            found = (await client.get(path)).json()["items"]

    assert failed.status_code == down.status_code == 503
    assert int(failed.headers["Retry-After"]) > 0
    assert failed.json()["details"]["code"] == "unavailable"
    assert [m["sender_type"] for m in found] == ["system", "user", "ai_agent"]
    assert found[2]["in_reply_to"] == found[1]["id"]


async def answer_what_was_heard(settings: Settings, app: App) -> None:
    """What scheduler and worker do once the database is back."""
    pool = engine(settings.database_url, WORKER, 1)
    bell, clock = Bell(), FixedClock(datetime.now(UTC) + timedelta(seconds=30))
    await Sweep(PostgresOutbox(pool), PostgresOverdue(pool), PostgresJobs(pool), bell, clock, Timing())()
    later = wire(app.ports, Timing(unanswered=timedelta(0)))
    for job in bell.rang:
        for _ in range(3):
            try:
                await later.run_job(job)
                break
            except Unavailable:
                continue
    await pool.dispose()
