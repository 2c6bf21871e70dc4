"""Health, readiness, metrics, documents, the chat page and the demo session."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from entrypoints.api.app import build
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.security.calls import (
    CONVERSATIONS,
    Json,
    a_client,
    a_started,
    bearer,
)

SAFE = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


@pytest.fixture(scope="module")
async def stranger(app: App, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with a_client(build(app, settings)) as client:
        yield client


# System.


async def test_health_says_alive_and_which_version(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/health")

    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"status", "version", "timestamp"}
    assert body["status"] == "healthy"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", body["version"])
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None


async def test_ready_names_every_part(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {"database": True, "redis": True, "ai_models": True},
        "degraded": [],
    }


async def test_metrics_count_requests_by_route_not_by_conversation(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    await client.get(path)

    answer = await client.get("/metrics")

    counted = [line for line in answer.text.splitlines() if line.startswith("casepilot_requests_total{")]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/plain", "application/openmetrics-text"))
    assert any('method="POST"' in line and 'status_code="201"' in line for line in counted)
    assert path.rsplit("/", 1)[1] not in answer.text


async def test_the_document_keeps_the_customers_contract(stranger: httpx.AsyncClient) -> None:
    document = (await stranger.get("/openapi.json")).json()

    create = document["paths"][CONVERSATIONS]["post"]
    send = document["paths"][f"{CONVERSATIONS}/{{conversation_id}}/messages"]["post"]
    assert (create["operationId"], send["operationId"]) == ("createConversation", "sendMessage")
    assert {"200", "201", "400", "401", "429"} <= create["responses"].keys()
    assert {"200", "400", "401", "404", "429"} <= send["responses"].keys()
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"]: (scheme.get("scheme"), scheme.get("name")) for scheme in schemes.values()} == {
        "http": ("bearer", None),
        "apiKey": (None, "X-API-Key"),
    }
    assert (
        {name for scheme in document["security"] for name in scheme}
        == schemes.keys()
        == {
            "bearerAuth",
            "apiKey",
        }
    )


async def test_the_document_keeps_the_customers_schemas(stranger: httpx.AsyncClient) -> None:
    schemas = (await stranger.get("/openapi.json")).json()["components"]["schemas"]

    conversation = _schema(schemas, "Conversation")["properties"]
    answer = _schema(schemas, "MessageResponse")["properties"]
    message = _schema(schemas, "SendMessage")
    start = _schema(schemas, "StartConversation")
    assert {"id", "user_id", "channel", "status", "created_at"} <= conversation.keys()
    assert {
        "id",
        "response",
        "confidence",
        "intent",
        "suggested_actions",
        "processing_time_ms",
    } <= answer.keys()
    assert message["required"] == ["content"]
    assert message["properties"]["content"]["maxLength"] == 5_000
    assert set(start["required"]) == {"user_id", "channel"}
    assert _schema(schemas, "Channel")["enum"] == ["web", "mobile", "email", "slack", "teams", "api"]
    assert set(_schema(schemas, "Status")["enum"]) == {
        "active",
        "waiting",
        "resolved",
        "escalated",
        "abandoned",
    }
    assert _schema(schemas, "AttachmentType")["enum"] == ["image", "file", "code"]


async def test_the_document_describes_limits_repeats_events_and_open_doors(
    stranger: httpx.AsyncClient,
) -> None:
    paths = (await stranger.get("/openapi.json")).json()["paths"]

    send = paths[f"{CONVERSATIONS}/{{conversation_id}}/messages"]["post"]
    listed = paths[CONVERSATIONS]["get"]
    counts = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    assert send["responses"]["429"]["headers"].keys() == listed["responses"]["429"]["headers"].keys()
    assert counts < send["responses"]["429"]["headers"].keys()
    assert "Idempotency-Key" in {parameter["name"] for parameter in send["parameters"]}
    assert "Idempotency-Key" not in {parameter["name"] for parameter in listed["parameters"]}
    assert send["responses"]["200"]["content"].keys() == {"application/json", "text/event-stream"}
    assert [paths[path]["get"]["security"] for path in ("/health", "/ready")] == [[{}], [{}]]


async def test_every_operation_has_its_own_name_and_a_summary(stranger: httpx.AsyncClient) -> None:
    document = (await stranger.get("/openapi.json")).json()

    operations = [
        operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]

    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) >= 10
    assert all(operation.get("description") or operation.get("summary") for operation in operations)


async def test_the_documentation_page_asks_nobody_else_for_anything(stranger: httpx.AsyncClient) -> None:
    page = await stranger.get("/docs")

    links = re.findall(r"""\b(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page.text)
    files = [link for link in links if link.startswith("/docs-assets/")]
    assert page.headers["content-type"].startswith("text/html")
    assert links
    assert [link for link in links if re.match(r"(?:[a-z]+:)?//", link)] == []
    assert len(files) >= 2
    assert [(await stranger.get(file)).status_code for file in files] == [200] * len(files)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/health", "/ready", "/metrics", "/favicon.ico"])
async def test_system_paths_are_read_only(stranger: httpx.AsyncClient, path: str) -> None:
    answers = [await stranger.request(method, path) for method in ("POST", "PUT", "DELETE", "PATCH")]

    assert [answer.status_code for answer in answers] == [405] * 4


@pytest.mark.parametrize("path", ["/nowhere", "/api", "/docs/../../etc/passwd", "/%00", "/" + "x" * 10_000])
async def test_an_unknown_path_is_404_in_json(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == 404
    assert answer.json()["details"]["code"] == "not_found"


# The page.


async def test_the_page_is_served_under_a_policy_that_allows_nothing_from_outside(
    stranger: httpx.AsyncClient,
) -> None:
    page = await stranger.get("/")

    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert {name: page.headers[name] for name in SAFE} == SAFE


async def test_the_page_loads_only_files_of_this_server(stranger: httpx.AsyncClient) -> None:
    page = (await stranger.get("/")).text

    links = re.findall(r"""\b(?:src|href)\s*=\s*["']([^"'#]+)""", page)
    files = [link for link in links if not link.startswith("data:")]
    assert any(link.endswith(".js") for link in links)
    assert any(link.endswith(".css") for link in links)
    assert [file for file in files if not re.match("/[a-z]", file)] == []
    assert {(await stranger.get(file)).status_code for file in files} == {200}
    assert re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=", page) is None


@pytest.mark.parametrize(
    "path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page//etc/passwd", "/page/"]
)
async def test_files_beside_the_page_are_not_served(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path)

    assert answer.status_code == 404
    assert b"import" not in answer.content


async def test_a_missing_file_is_not_told_where_it_was_looked_for(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/page/secrets.txt")

    assert str(Path(__file__).parent.parent.parent) not in answer.text


# The demo session.


async def test_a_demo_session_talks_as_its_own_user_only(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    theirs = await a_started(client)

    session = (await stranger.post("/api/v1/session")).json()
    token = bearer(session["token"])
    own = await stranger.post(
        CONVERSATIONS, json={"user_id": session["user_id"], "channel": "web"}, headers=token
    )
    path = f"{CONVERSATIONS}/{own.json()['id']}"
    answer = await stranger.post(f"{path}/messages", json={"content": "What is a sandbox?"}, headers=token)
    refused = [
        await stranger.post(CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web"}, headers=token),
        await stranger.get(theirs, headers=token),
        await stranger.post(f"{theirs}/messages", json={"content": "hello"}, headers=token),
    ]

    assert session.keys() == {"token", "user_id", "expires_at"}
    assert own.json()["user_id"] == str(UUID(session["user_id"]))
    assert (own.status_code, answer.status_code) == (201, 200)
    assert [r.status_code for r in refused] == [403, 404, 404]


async def test_every_demo_session_is_another_user(stranger: httpx.AsyncClient) -> None:
    sessions = [(await stranger.post("/api/v1/session")).json() for _ in range(3)]

    assert len({session["user_id"] for session in sessions}) == 3
    assert len({session["token"] for session in sessions}) == 3


async def test_only_a_demo_server_gives_sessions(app: App, settings: Settings) -> None:
    real = msgspec.structs.replace(settings, demo_organization="")
    async with a_client(build(app, real)) as client:
        answer = await client.post("/api/v1/session")

    assert answer.status_code == 404
    assert answer.json()["details"] == {"code": "not_found"}


def _schema(schemas: Json, ending: str) -> Json:
    """The schema of a type, which the document may name with its module before it."""
    found = [schema for name, schema in schemas.items() if name == ending or name.endswith(f"_{ending}")]
    assert len(found) == 1, sorted(schemas)
    return dict(found[0])
