"""Life without a database: every call says when to come back, and coming back works."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlalchemy.engine import make_url

from entrypoints.api.app import build
from entrypoints.bootstrap import open_app
from entrypoints.settings import Settings
from tests.security.calls import (
    CONVERSATIONS,
    EVENTS,
    Json,
    a_client,
    a_token,
    bearer,
    some_claims,
)

SOME = UUID(int=1)  # tests shared out between processes need the same names in each


@pytest.fixture(scope="module")
async def downstairs(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a good token, of an application whose database is not there."""
    async with without_database(settings, tmp_path_factory.mktemp("nowhere") / "socket") as client:
        yield client


@asynccontextmanager
async def without_database(settings: Settings, socket: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose database is there only once `socket` links to its socket's folder."""
    down = msgspec.structs.replace(
        settings, database_url=settings.database_url.replace(socket_folder(settings), str(socket))
    )
    token = a_token(down.jwt_secret, some_claims(scope="chat agent"))
    async with open_app(down) as app, a_client(build(app, down), bearer(token)) as client:
        yield client


def socket_folder(settings: Settings) -> str:
    return str(make_url(settings.database_url).query["host"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", CONVERSATIONS, None),
        ("POST", CONVERSATIONS, {"user_id": str(SOME), "channel": "web"}),
        ("GET", f"{CONVERSATIONS}/{SOME}", None),
        ("GET", f"{CONVERSATIONS}/{SOME}/messages", None),
        ("POST", f"{CONVERSATIONS}/{SOME}/messages", {"content": "hello"}),
        ("POST", f"{CONVERSATIONS}/{SOME}/resolve", {}),
        ("POST", f"{CONVERSATIONS}/{SOME}/escalate", {}),
        ("POST", f"{CONVERSATIONS}/{SOME}/feedback", {"message_id": str(SOME), "helpful": True}),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Idempotency-Key": "down"}, EVENTS, {"Authorization": "", "X-API-Key": f"cpk_{'A' * 22}_x"}],
    ids=["plain", "with a key", "as events", "by API key"],
)
async def test_without_a_database_it_is_503_with_a_time_to_come_back(
    downstairs: httpx.AsyncClient, method: str, path: str, body: Json | None, headers: dict[str, str]
) -> None:
    answer = await downstairs.request(method, path, json=body, headers=headers)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["details"]["code"] == "unavailable"
    assert answer.json()["details"]["retry_after"] == int(answer.headers["retry-after"])
    assert "x-ratelimit-remaining" in answer.headers


async def test_without_a_database_nothing_is_said_about_it_to_the_caller(
    downstairs: httpx.AsyncClient,
) -> None:
    answer = await downstairs.get(CONVERSATIONS)

    assert answer.json()["error"] == "Casepilot cannot do this right now. Try again shortly."
    assert "postgres" not in answer.text.lower()
    assert "nowhere" not in answer.text


async def test_without_a_database_the_process_is_alive_but_not_ready(downstairs: httpx.AsyncClient) -> None:
    health, ready = await downstairs.get("/health"), await downstairs.get("/ready")

    assert (health.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {
        "ready": False,
        "checks": {"database": False, "redis": True, "ai_models": True},
        "degraded": ["database"],
    }


async def test_once_the_database_is_back_the_same_request_under_the_same_key_is_done(
    settings: Settings, tmp_path: Path
) -> None:
    body, key = {"user_id": str(uuid4()), "channel": "web"}, {"Idempotency-Key": "patience"}
    async with without_database(settings, tmp_path / "socket") as client:
        down = await client.post(CONVERSATIONS, json=body, headers=key)
        (tmp_path / "socket").symlink_to(socket_folder(settings))

        back = await client.post(CONVERSATIONS, json=body, headers=key)
        ready = await client.get("/ready")

    assert (down.status_code, back.status_code, ready.status_code) == (503, 201, 200)
