"""Short ways to call the API in this process, for the tests of the API and of its security."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from joserfc import jws
from joserfc.jwk import RSAKey
from litestar import Litestar
from sqlalchemy import text

from adapters.postgres.migrate import owner_engine
from entrypoints.api.app import build
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION

CONVERSATIONS = "/api/v1/conversations"
JSON = {"Content-Type": "application/json"}
EVENTS = {"Accept": "text/event-stream"}
PUBLIC_DATA = Path(__file__).parents[3] / "shared" / "data"
"""Public test data, read where it lies beside the project; tests that need it skip where it is not."""

Json = dict[str, Any]


def a_client(api: Litestar, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client of an API; close it, or use it in `async with`."""
    transport = httpx.ASGITransport(api)  # type: ignore[arg-type]  # ASGI typed twice
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


def a_client_of(app: App, settings: Settings, key: str) -> httpx.AsyncClient:
    """A client with an API key of an application with other parts than the module's own."""
    return a_client(build(app, settings), {"X-API-Key": key})


async def a_started(
    client: httpx.AsyncClient,
    user: UUID | None = None,
    channel: str = "web",
    metadata: Json | None = None,
) -> str:
    """Start a conversation and return its path."""
    body = {"user_id": str(user or uuid4()), "channel": channel, "metadata": metadata or {}}
    answer = await client.post(CONVERSATIONS, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return f"{CONVERSATIONS}/{answer.json()['id']}"


async def said(client: httpx.AsyncClient, path: str, content: str, **more: object) -> Json:
    """Say something in a conversation and return the answer."""
    answer = await client.post(f"{path}/messages", json={"content": content, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def transcript(client: httpx.AsyncClient, path: str) -> list[Json]:
    """Everything that was said in a conversation, in order."""
    answer = await client.get(f"{path}/messages", params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def as_owner(settings: Settings, statement: str, **values: object) -> list[Mapping[str, Any]]:
    """Run one statement with the owner's login, past every policy; returns its rows, if it has any."""
    async with owner_engine(settings.owner_url).begin() as connection:
        done = await connection.execute(text(statement), values)
        return [dict(row) for row in done.mappings()] if done.returns_rows else []


def some_claims(**changes: object) -> Json:
    """Claims of a good token of the first tenant; a change to None takes a claim away."""
    good = {"org": str(ORGANIZATION), "sub": str(uuid4()), "exp": int(time.time()) + 600, "scope": "chat"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def a_token(
    key: RSAKey | str,
    claims: Json | bytes | None = None,
    algorithm: str = "HS256",
    header: Json | None = None,
) -> str:
    """A signed token; a string is an HMAC secret, which may be as bad as an attacker likes."""
    head = {"alg": algorithm, **(header or {})}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims or some_claims()).encode()
    if isinstance(key, RSAKey):
        return jws.serialize_compact(head, payload, key, algorithms=[algorithm])
    signed = f"{a_segment(head)}.{_base64url(payload)}"
    digest = hmac.digest(key.encode(), signed.encode(), f"sha{algorithm[2:]}")
    return f"{signed}.{_base64url(digest)}"


def a_segment(value: object) -> str:
    """One part of a token: JSON in unpadded base64url."""
    return _base64url(json.dumps(value).encode())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
