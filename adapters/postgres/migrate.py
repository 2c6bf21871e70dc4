"""Bringing a database to the newest schema, and adding a tenant; both need the owner's login."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adapters.postgres.engine import CONNECT_TIMEOUT, translated
from domain.ids import OrganizationId

MIGRATIONS = Path(__file__).parent / "migrations"


def owner_engine(url: str) -> AsyncEngine:
    """Single connections with the owner's own rights."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    return create_async_engine(parsed, poolclass=NullPool, connect_args={"timeout": CONNECT_TIMEOUT})


async def migrate(url: str, revision: str = "head") -> str:
    """Upgrade, or downgrade with a revision like '-1' or 'base'; returns the revision arrived at."""
    engine = owner_engine(url)
    with translated():
        async with engine.begin() as connection:
            await connection.run_sync(_run, revision)
            current = await connection.execute(text("SELECT version_num FROM casepilot_migrations"))
            return str(current.scalar() or "base")


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision of a database, read with any login that may; None when it has no schema yet."""
    with translated():
        async with engine.connect() as connection:
            known = await connection.execute(text("SELECT to_regclass('public.casepilot_migrations')::text"))
            if known.scalar() is None:
                return None
            return (await connection.execute(text("SELECT version_num FROM casepilot_migrations"))).scalar()


def newest_revision() -> str:
    """The revision that this code expects."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


async def ensure_organization(url: str, organization: OrganizationId, name: str, tier: str) -> None:
    """Add a tenant that is not there yet."""
    statement = text(
        "INSERT INTO core.organizations (id, name, subscription_tier) VALUES (:id, :name, :tier)"
        " ON CONFLICT DO NOTHING"
    )
    with translated():
        async with owner_engine(url).begin() as connection:
            await connection.execute(statement, {"id": organization, "name": name, "tier": tier})


async def ensure_login(url: str, login: str) -> None:
    """Add a login that may become the application or the worker role, nothing else (embedded server)."""
    with translated():
        async with owner_engine(url).begin() as connection:
            exists = await connection.execute(
                text("SELECT true FROM pg_roles WHERE rolname = :login"), {"login": login}
            )
            if exists.first() is None:
                await connection.execute(text(f'CREATE ROLE "{login}" LOGIN NOINHERIT'))
            await connection.execute(text(f'GRANT casepilot_app, casepilot_worker TO "{login}"'))


def _run(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    down = revision.startswith("-") or revision == "base"
    (command.downgrade if down else command.upgrade)(config, revision)
