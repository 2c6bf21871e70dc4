"""Connections of the pool that broke do not come back."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from adapters.postgres.migrate import owner_engine

OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


async def test_connections_that_the_server_closed_are_replaced(database: str, app_pool: AsyncEngine) -> None:
    await asyncio.gather(*(_pid(app_pool) for _ in range(4)))
    owner = owner_engine(database)
    async with owner.connect() as connection:
        await connection.execute(text(OTHERS))
    await owner.dispose()
    await asyncio.sleep(0.2)  # the client sees the connections close

    for _ in range(8):
        assert await _pid(app_pool)


async def test_a_connection_left_in_a_transaction_is_not_used_again(app_pool: AsyncEngine) -> None:
    async with driver(app_pool) as connection:
        await connection.execute("BEGIN")
        left = connection.get_server_pid()

    async with driver(app_pool) as connection:
        assert connection.get_server_pid() != left
        assert not connection.is_in_transaction()


async def test_a_failed_statement_costs_no_connection(app_pool: AsyncEngine) -> None:
    before = {await _pid(app_pool) for _ in range(20)}
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with driver(app_pool) as connection:
            await connection.execute("SELECT 1 / 0")

    assert {await _pid(app_pool) for _ in range(20)} == before


async def _pid(pool: AsyncEngine) -> int:
    async with driver(pool) as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
