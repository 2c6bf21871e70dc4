"""Connections to PostgreSQL, by role, and the one place where its errors are translated."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from ports.errors import Conflict, Unavailable

APP = "casepilot_app"
"""Role of everything that acts for one tenant."""
WORKER = "casepilot_worker"
"""Role that moves jobs and events of all tenants, and sees no content."""
RETRY_AFTER = 2
"""Seconds after which a caller may try again when the database is down."""
CONNECT_TIMEOUT = 5.0


def engine(url: str, role: str, pool: int) -> AsyncEngine:
    """A pool of `pool` connections whose every session has `role`; the login itself needs only membership."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    return create_async_engine(
        parsed,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT,
        pool_pre_ping=False,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "server_settings": {
                "role": role,
                "app.worker": "on" if role == WORKER else "off",
                "application_name": role,
                "jit": "off",
            },
        },
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn driver errors into the three kinds of `ports.errors`; anything else stays loud."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(_first_line(error)) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise Conflict(_first_line(error)) from error
    except (TimeoutError, OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
        raise Unavailable(f"The database cannot be reached: {_first_line(error)}", RETRY_AFTER) from error
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.OperatorInterventionError,
    ) as error:
        raise Unavailable(f"The database connection broke: {_first_line(error)}", RETRY_AFTER) from error
    except asyncpg.InsufficientResourcesError as error:
        raise Unavailable(f"The database is out of resources: {_first_line(error)}", RETRY_AFTER) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, OSError):
            raise Unavailable(f"The database connection broke: {_first_line(error)}", RETRY_AFTER) from error
        raise


@asynccontextmanager
async def driver(pool: AsyncEngine) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A bare asyncpg connection from the pool, for statements that are a transaction by themselves.

    One that the server closed, or that was left inside a transaction, does not go back to the pool.
    """
    with translated():
        pooled, bare = await _checked_out(pool)
        try:
            yield bare
        finally:
            if bare.is_closed() or bare.is_in_transaction():
                pooled.invalidate()
            pooled.close()


async def ping(pool: AsyncEngine) -> None:
    """Make one round trip. Raises `Unavailable`."""
    async with driver(pool) as connection:
        await connection.fetchval("SELECT 1")


async def _checked_out(
    pool: AsyncEngine,
) -> tuple[PoolProxiedConnection, "asyncpg.Connection[asyncpg.Record]"]:
    """An open connection; closed ones that it meets (the server was restarted) are thrown away."""
    while True:
        pooled = await pool.raw_connection()
        bare: asyncpg.Connection[asyncpg.Record] = pooled.driver_connection
        if not bare.is_closed():
            return pooled, bare
        pooled.invalidate()


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
