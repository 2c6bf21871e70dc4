"""Up, down and up again, on a database of its own."""

from sqlalchemy import text

from adapters.postgres.migrate import current_revision, migrate, newest_revision, owner_engine

SHAPE = """
SELECT table_schema, table_name, column_name, data_type, column_default FROM information_schema.columns
WHERE table_schema IN ('core', 'ai', 'analytics') ORDER BY 1, 2, 3
"""


async def test_upgrade_downgrade_and_upgrade_arrive_at_the_same_schema(postgres_url: str) -> None:
    url = postgres_url.replace("/casepilot?", "/postgres?")
    engine = owner_engine(url)

    async def shape() -> list[tuple[object, ...]]:
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(SHAPE))]

    nothing = await current_revision(engine)
    await migrate(url)
    first = await shape()
    base = await migrate(url, "base")
    empty = await shape()
    newest = await migrate(url)
    second = await shape()
    await migrate(url, "base")
    await engine.dispose()

    assert nothing is None
    assert base == "base"
    assert newest == newest_revision()
    assert empty == []
    assert first == second
    assert len(first) > 100


async def test_ids_are_ordered_by_time_where_the_server_can(database: str) -> None:
    engine = owner_engine(database)
    async with engine.connect() as connection:
        made = [(await connection.execute(text("SELECT core.new_id()"))).scalar_one() for _ in range(3)]
    await engine.dispose()

    assert made == sorted(made)
    assert {identifier.version for identifier in made} == {7}
