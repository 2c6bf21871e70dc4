"""Row-level security: the linter is content, the catalogue agrees, the roles can do what they should."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres.migrate import owner_engine
from tests.builders import ORGANIZATION, OTHER_ORGANIZATION

ROOT = Path(__file__).parent.parent.parent
TENANT_TABLES = """
SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('core', 'ai', 'analytics', 'audit') AND c.relkind IN ('r', 'p')
"""
ROLES = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'casepilot%'"
OWNED = (
    "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname LIKE 'casepilot%'"
)
UNTENANTED_KEYS = """
SELECT conrelid::regclass || '.' || conname FROM pg_constraint
WHERE contype = 'f' AND connamespace::regnamespace::text IN ('core', 'ai', 'analytics')
    AND confrelid <> 'core.organizations'::regclass AND cardinality(conkey) < 2
"""

TENANT_FIRST = """
SELECT i.indexrelid::regclass::text FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace::regnamespace::text IN ('core', 'ai', 'analytics', 'audit')
    AND a.attname = 'organization_id' AND NOT i.indisprimary AND i.indpred IS NULL
"""


@pytest.fixture
async def owner(database: str) -> AsyncIterator[AsyncConnection]:
    engine = owner_engine(database)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


def test_pgrls_finds_nothing(database: str) -> None:
    command = [str(Path(sys.executable).parent / "pgrls"), "lint", "--config", "ops/pgrls.toml"]
    command += ["--schemas", "public,core,ai,analytics,audit", "--database-url", database]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


async def test_every_table_enables_and_forces_it(owner: AsyncConnection) -> None:
    tables = list(await owner.execute(text(TENANT_TABLES)))

    assert len(tables) >= 14
    assert [t.name for t in tables if not (t.enabled and t.forced)] == []


async def test_our_roles_own_nothing_and_bypass_nothing(owner: AsyncConnection) -> None:
    roles = list(await owner.execute(text(ROLES)))

    assert {role.rolname for role in roles} == {"casepilot", "casepilot_app", "casepilot_worker"}
    assert not any(role.rolsuper or role.rolbypassrls for role in roles)
    assert (await owner.execute(text(OWNED))).scalar_one() == 0


async def test_every_foreign_key_between_tenant_tables_names_the_tenant(owner: AsyncConnection) -> None:
    assert list(await owner.execute(text(UNTENANTED_KEYS))) == []


async def test_only_the_primary_key_begins_with_the_tenant(owner: AsyncConnection) -> None:
    assert list(await owner.execute(text(TENANT_FIRST))) == []  # ops/decisions/0007


async def test_without_a_tenant_nothing_is_visible(app_pool: AsyncEngine) -> None:
    for setting in ("", None):
        async with app_pool.connect() as connection:
            if setting is not None:
                await connection.execute(text("SELECT set_config('app.current_org_id', '', true)"))
            found = await connection.execute(text("SELECT count(*) FROM core.organizations"))

            assert found.scalar_one() == 0


async def test_a_tenant_sees_itself_alone(app_pool: AsyncEngine) -> None:
    async with app_pool.connect() as connection:
        await connection.execute(
            text("SELECT set_config('app.current_org_id', :org, true)"), {"org": str(ORGANIZATION)}
        )
        found = await connection.execute(text("SELECT id FROM core.organizations"))

        assert [row.id for row in found] == [ORGANIZATION]


async def test_the_next_borrower_of_a_connection_is_nobody(app_pool: AsyncEngine) -> None:
    for _ in range(12):
        async with app_pool.connect() as connection:
            before = await connection.execute(text("SELECT current_setting('app.current_org_id', true)"))
            assert not before.scalar_one()
            await connection.execute(
                text("SELECT set_config('app.current_org_id', :org, true)"), {"org": str(OTHER_ORGANIZATION)}
            )


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO core.users (organization_id, external_id) VALUES (:other, 'x')",
        "UPDATE core.organizations SET name = 'mine'",
        "TRUNCATE core.messages CASCADE",
        "SELECT * FROM core.jobs",
        "SELECT * FROM core.outbox",
        "DELETE FROM core.messages",
        "CREATE TABLE core.mine (id int)",
    ],
)
async def test_the_tenant_role_may_not(app_pool: AsyncEngine, statement: str) -> None:
    async with app_pool.connect() as connection:
        await connection.execute(
            text("SELECT set_config('app.current_org_id', :org, true)"), {"org": str(ORGANIZATION)}
        )
        values = {"other": OTHER_ORGANIZATION} if ":other" in statement else {}

        with pytest.raises(DBAPIError, match=r"permission denied|row-level security|must be owner"):
            await connection.execute(text(statement), values)


@pytest.mark.parametrize(
    "table", ["core.messages", "core.users", "ai.turns", "core.api_keys", "core.rule_sets"]
)
async def test_the_worker_role_never_sees_content(worker_pool: AsyncEngine, table: str) -> None:
    async with worker_pool.connect() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text(f"SELECT * FROM {table}"))


async def test_the_worker_role_sees_clocks_but_no_context(worker_pool: AsyncEngine) -> None:
    async with worker_pool.connect() as connection:
        await connection.execute(text("SELECT id, status, last_activity_at FROM core.conversations"))
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text("SELECT context FROM core.conversations"))
