"""One pair of real servers a session, a fresh database a module, and the application on top of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.local import LOGIN, Servers, Valkey, postgres
from adapters.postgres.engine import APP, WORKER, engine
from adapters.postgres.keys import PostgresApiKeys
from adapters.postgres.migrate import ensure_login, ensure_organization, migrate, owner_engine
from entrypoints.api.app import build
from entrypoints.bootstrap import App, open_app
from entrypoints.embedded import seed
from entrypoints.settings import Settings
from ports.outbound.keys import SCOPES
from tests.builders import NOW, ORGANIZATION, OTHER_ORGANIZATION

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "models"
TEMPLATE = "template_casepilot"
SEEDED = "template_seeded"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """A busy machine is no server that is down: a slow count is waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.redis.TIMEOUT", 30.0)
        yield


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL of a server of this session."""
    with postgres(tmp_path_factory.mktemp("postgres") / "data") as url:
        yield url


@pytest.fixture(scope="session")
async def template(postgres_url: str, anyio_backend: str) -> str:
    """A migrated database with two tenants, to copy from."""
    await _run(postgres_url, f"CREATE DATABASE {TEMPLATE}")
    url = _named(postgres_url, TEMPLATE)
    await migrate(url)
    await ensure_login(url, LOGIN)
    await ensure_organization(url, ORGANIZATION, "Test company", "enterprise")
    await ensure_organization(url, OTHER_ORGANIZATION, "Other company", "starter")
    return TEMPLATE


@pytest.fixture(scope="session")
async def seeded_template(postgres_url: str, template: str, valkey: Valkey) -> str:
    """The template with the starter rules and knowledge for the first tenant, to copy from."""
    await _run(postgres_url, f"CREATE DATABASE {SEEDED} TEMPLATE {template}")
    settings = a_settings(_named(postgres_url, SEEDED), valkey.url)
    await seed(settings, ORGANIZATION, lambda *_: None)
    return SEEDED


@pytest.fixture(scope="module")
async def database(request: pytest.FixtureRequest, postgres_url: str, template: str) -> AsyncIterator[str]:
    """The owner's URL of a fresh database for one test module, with empty tenants."""
    async for url in _copy(request, postgres_url, template):
        yield url


@pytest.fixture(scope="module")
async def seeded(
    request: pytest.FixtureRequest, postgres_url: str, seeded_template: str
) -> AsyncIterator[str]:
    """The owner's URL of a fresh database for one test module, with the starter content."""
    async for url in _copy(request, postgres_url, seeded_template):
        yield url


@pytest.fixture(scope="module")
def settings(seeded: str, valkey: Valkey) -> Settings:
    return a_settings(seeded, valkey.url)


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[App]:
    """The application on real servers with the starter content."""
    async with open_app(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def api_key(app: App) -> str:
    return await app.ports.keys.issue(ORGANIZATION, "test", frozenset(SCOPES), NOW)


@pytest.fixture(scope="module")
async def client(app: App, settings: Settings, api_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the API in this process, with a key that may do everything and no rate limit."""
    transport = httpx.ASGITransport(build(app, settings))  # type: ignore[arg-type]  # ASGI typed twice
    headers = {"X-API-Key": api_key}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as opened:
        yield opened


@pytest.fixture(scope="module")
async def app_pool(database: str) -> AsyncIterator[AsyncEngine]:
    """The application role's pool on a database with empty tenants."""
    pool = engine(_login(database), APP, 8)
    yield pool
    await pool.dispose()


@pytest.fixture(scope="module")
async def worker_pool(database: str) -> AsyncIterator[AsyncEngine]:
    """The worker role's pool on a database with empty tenants."""
    pool = engine(_login(database), WORKER, 4)
    yield pool
    await pool.dispose()


@pytest.fixture(scope="module")
def keys(app_pool: AsyncEngine) -> PostgresApiKeys:
    return PostgresApiKeys(app_pool)


def a_settings(owner_url: str, redis_url: str, **changes: object) -> Settings:
    """Settings for a test database."""
    base = Settings(
        database_url=_login(owner_url),
        redis_url=redis_url,
        owner_url=owner_url,
        cache=str(CACHE),
        pool=6,
        rate_limit=1_000_000,
        jwt_secret="a secret of the tests that is long enough",
        demo_organization=str(ORGANIZATION),
    )
    return msgspec.structs.replace(base, **changes)


async def _copy(request: pytest.FixtureRequest, postgres_url: str, template: str) -> AsyncIterator[str]:
    name = (
        "t_"
        + "".join(c if c.isalnum() else "_" for c in request.module.__name__.lower())[-40:]
        + template[-6:]
    )
    await _run(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(postgres_url, name)
    await _run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(url: str, statement: str) -> None:
    async with owner_engine(url).connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(statement))


def _named(url: str, database: str) -> str:
    return url.replace("/casepilot?", f"/{database}?")


def _login(url: str) -> str:
    return Servers(url, "").database_url
