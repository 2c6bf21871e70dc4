"""Everything on one machine: embedded servers under a data folder, migrated and seeded."""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.local import LOGIN, Servers, Valkey, hold, holder_of, postgres
from adapters.postgres.engine import APP, engine
from adapters.postgres.keys import PostgresApiKeys
from adapters.postgres.migrate import ensure_login, ensure_organization, migrate
from adapters.starter import loader
from domain.ids import OrganizationId
from entrypoints.bootstrap import open_app
from entrypoints.settings import Settings, read
from ports.errors import Refused
from ports.inbound.ingest import Ingest
from ports.inbound.publish import PublishRules
from ports.outbound.keys import SCOPES

DEMO_ORGANIZATION = OrganizationId(UUID("01890000-0000-7000-8000-00000000c0de"))
DEMO_NAME = "Demo company"
DEMO_TIER = "enterprise"
RUNNING = "running.json"
"""Where a running `casepilot up` says how to reach its servers."""

Step = Callable[[str, int, int], None]
"""Hears of slow work: what, how much is done, how much there is (0: unknown)."""


class Stack(Struct, frozen=True):
    """The embedded servers and the settings that reach them."""

    settings: Settings
    valkey: Valkey
    api_key: str


@contextmanager
def stack(data: Path, note: str, step: Step, **overrides: object) -> Iterator[Stack]:
    """Hold a data folder, start its servers, bring it up to date. Raises `Refused` and `Unavailable`."""
    with hold(data, note):
        step("Starting PostgreSQL", 0, 0)
        with postgres(data / "postgres") as owner_url, Valkey(data / "valkey") as valkey:
            settings = settings_for(Servers(owner_url, valkey.url), data, **overrides)
            yield Stack(settings, valkey, asyncio.run(_prepare(settings, data, step)))


@contextmanager
def reachable(data: Path, step: Step) -> Iterator[Settings]:
    """Settings for a data folder's servers: those of a running `casepilot up`, or our own for a while."""
    holder = holder_of(data)
    if holder is None:
        with stack(data, "casepilot", step) as own:
            yield own.settings
        return
    try:
        yield msgspec.json.decode((data / RUNNING).read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as error:
        raise Refused(f"{data} is in use by {holder}, which is still starting. Try again shortly.") from error


def settings_for(servers: Servers, data: Path, **overrides: object) -> Settings:
    """Settings of an embedded stack; the token secret is made once and kept in the folder."""
    base = read(
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        owner_url=servers.owner_url,
        cache=str((data / "models").resolve()),
        jwt_secret=_kept(data / "jwt-secret", lambda: secrets.token_urlsafe(48)),
        demo_organization=str(DEMO_ORGANIZATION),
    )
    return msgspec.structs.replace(base, **overrides)


async def _prepare(settings: Settings, data: Path, step: Step) -> str:
    """Migrate, seed, and return the demo API key."""
    step("Updating the schema", 0, 0)
    await migrate(settings.migrations_url)
    await ensure_login(settings.migrations_url, LOGIN)
    await ensure_organization(settings.migrations_url, DEMO_ORGANIZATION, DEMO_NAME, DEMO_TIER)
    await seed(settings, DEMO_ORGANIZATION, step)
    path = data / "demo-key"
    pool = engine(settings.database_url, APP, 1)
    keys = PostgresApiKeys(pool)
    try:
        kept = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if kept and await keys.verify(kept):
            return kept
        issued = await keys.issue(DEMO_ORGANIZATION, "demo", frozenset(SCOPES), datetime.now(UTC))
    finally:
        await pool.dispose()
    return _kept(path, lambda: issued, anew=True)


async def seed(settings: Settings, organization: OrganizationId, step: Step) -> None:
    """Give a tenant the starter rules and knowledge; what it has already is left alone."""
    step("Preparing the language models", 0, 0)
    async with open_app(settings) as app:
        _, source = loader.rules()
        async with app.ports.begin(organization) as unit:
            has_rules = await unit.rulesets.active() is not None
        if not has_rules:  # a manager's rules are never replaced by a restart
            await app.publish(PublishRules(organization, source, "starter rules", "Casepilot"))
        await app.ingest(
            Ingest(organization, loader.articles(), again=False),
            lambda done, total: step("Reading the starter knowledge", done, total),
        )


def _kept(path: Path, make: Callable[[], str], *, anew: bool = False) -> str:
    """A secret in a file that only its owner may read; made when it is not there."""
    if anew or not path.exists():
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8").strip()
