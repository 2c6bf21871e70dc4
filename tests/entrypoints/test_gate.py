"""How often a caller may call: exactly, over all instances, whatever else they send."""

import asyncio
import math
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import httpx
import msgspec
import pytest

from adapters.local import free_port
from adapters.redis import RedisTraffic
from adapters.redis import connect as connect_redis
from entrypoints.api.app import build
from entrypoints.bootstrap import App, open_app, wire
from entrypoints.settings import Settings
from ports.outbound.keys import SCOPES
from tests.builders import NOW, ORGANIZATION
from tests.security.calls import CONVERSATIONS, EVENTS, a_client, a_client_of, a_started

LIMIT = 100
QUESTION = {"content": "How do I reset my password?"}
COUNTS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


async def a_key(app: App) -> str:
    return await app.ports.keys.issue(ORGANIZATION, str(uuid4()), frozenset(SCOPES), NOW)


@asynccontextmanager
async def limited(
    app: App, settings: Settings, key: str | None, limit: int = LIMIT, minute: int = 0
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh instance of the API, whose clock stands in one minute so that no window ends."""
    redis = connect_redis(settings.redis_url)
    try:
        at = NOW.timestamp() + minute * 60
        ports = replace(app.ports, traffic=RedisTraffic(redis, now=lambda: at))
        api = build(wire(ports, settings.timing), msgspec.structs.replace(settings, rate_limit=limit))
        async with a_client(api, {"X-API-Key": key} if key else None) as client:
            yield client
    finally:
        await redis.aclose()


async def burst(
    *clients: httpx.AsyncClient, calls: int, headers: Callable[[int], dict[str, str]] = lambda _: {}
) -> Counter[int]:
    """Statuses of calls made at once, dealt round to the clients."""
    answers = await asyncio.gather(
        *(
            clients[n % len(clients)].get(f"{CONVERSATIONS}/{uuid4()}", headers=headers(n))
            for n in range(calls)
        )
    )
    return Counter(answer.status_code for answer in answers)


async def test_of_130_calls_at_once_exactly_100_pass(app: App, settings: Settings) -> None:
    async with limited(app, settings, await a_key(app)) as client:
        statuses = await burst(client, calls=130)

    assert statuses == {404: 100, 429: 30}


async def test_two_instances_share_one_count(app: App, settings: Settings) -> None:
    key = await a_key(app)
    async with limited(app, settings, key) as first, limited(app, settings, key) as second:
        statuses = await burst(first, second, calls=130)

    assert statuses == {404: 100, 429: 30}


async def test_principals_are_counted_apart(app: App, settings: Settings) -> None:
    async with (
        limited(app, settings, await a_key(app), 5) as first,
        limited(app, settings, await a_key(app), 5) as second,
    ):
        statuses = await burst(first, calls=8), await burst(second, calls=8)

    assert statuses == ({404: 5, 429: 3}, {404: 5, 429: 3})


async def test_a_new_minute_allows_as_many_again(app: App, settings: Settings) -> None:
    key = await a_key(app)
    async with limited(app, settings, key, 5) as now, limited(app, settings, key, 5, minute=1) as later:
        statuses = await burst(now, calls=8), await burst(later, calls=8)

    assert statuses == ({404: 5, 429: 3}, {404: 5, 429: 3})


async def test_forwarding_headers_gain_nothing(app: App, settings: Settings) -> None:
    def spoofed(number: int) -> dict[str, str]:
        address = f"10.0.{number}.1"
        return {
            "X-Forwarded-For": address,
            "X-Real-IP": address,
            "Forwarded": f"for={address}",
            "CF-Connecting-IP": address,
            "True-Client-IP": address,
        }

    async with (
        limited(app, settings, await a_key(app), 20) as known,
        limited(app, settings, None, 20, minute=2) as unknown,
    ):
        statuses = [await burst(client, calls=30, headers=spoofed) for client in (known, unknown)]

    assert statuses == [{404: 20, 429: 10}, {401: 20, 429: 10}]


async def test_guessing_credentials_is_limited_by_address(app: App, settings: Settings) -> None:
    def guess(number: int) -> dict[str, str]:
        return (
            {"X-API-Key": f"cpk_AYkAAAAAcACAAAAAAAAAqg_{number}"}
            if number % 2
            else {"Authorization": "Bearer x"}
        )

    async with limited(app, settings, None, 20, minute=3) as client:
        statuses = await burst(client, calls=30, headers=guess)

    assert statuses == {401: 20, 429: 10}


async def test_a_refused_caller_is_told_when_to_come_back(app: App, settings: Settings) -> None:
    ahead = math.ceil((time.time() - NOW.timestamp()) / 60) + 2
    async with limited(app, settings, await a_key(app), 1, minute=ahead) as client:
        await client.get(CONVERSATIONS)
        refused = await client.get(CONVERSATIONS)

    body = refused.json()
    assert refused.status_code == 429
    assert body.keys() == {"error", "retry_after", "details"}
    assert (body["error"], body["details"]["code"]) == ("Rate limit exceeded", "rate_limited")
    assert body["retry_after"] == int(refused.headers["retry-after"])
    assert 60 < body["retry_after"] <= 240
    assert refused.headers["x-ratelimit-remaining"] == "0"


async def test_every_answer_of_the_api_says_what_is_left(app: App, settings: Settings) -> None:
    key = await a_key(app)
    async with limited(app, settings, key, 12) as client:
        path = await a_started(client)
        answers = [
            await client.get(path),
            await client.post(f"{path}/messages", json=QUESTION),
            await client.post(f"{path}/messages", json=QUESTION, headers=EVENTS),
            await client.post(f"{path}/messages", json={}),
            await client.post(f"{path}/resolve", json={}),
            await client.post(f"{path}/messages", json=QUESTION),
            await client.get(f"{CONVERSATIONS}/{uuid4()}"),
            await client.post(f"{path}/resolve", json={}, headers={"Idempotency-Key": "x" * 256}),
            await client.options(path),
            *[await client.get(path) for _ in range(3)],
        ]

    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 200, 200, 400, 200, 409, 404, 400, 204, 200, 200, 429]
    reset = (int(NOW.timestamp()) // 60 + 1) * 60
    for left, answer in zip([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0], answers, strict=True):
        assert [answer.headers[name] for name in COUNTS] == ["12", str(left), str(reset)]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", CONVERSATIONS, 401),
        ("POST", "/api/v1/session", 201),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v2/conversations", 404),
        ("DELETE", CONVERSATIONS, 405),
        ("GET", f"{CONVERSATIONS}/42", 404),
    ],
)
async def test_answers_to_strangers_and_to_wrong_paths_say_what_is_left_too(
    app: App, settings: Settings, method: str, path: str, expected: int
) -> None:
    async with limited(app, settings, None, 1_000) as client:
        answer = await client.request(method, path)

    assert answer.status_code == expected
    assert answer.headers["x-ratelimit-limit"] == "1000"
    assert all(name in answer.headers for name in COUNTS)


async def test_pages_and_health_are_not_limited(app: App, settings: Settings) -> None:
    async with limited(app, settings, None, 0) as client:
        answers = [await client.get(path) for path in ("/", "/health", "/ready", "/openapi.json", "/docs")]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert not any(name in answer.headers for name in COUNTS for answer in answers)


async def test_with_valkey_down_turns_go_on_and_each_process_counts_alone(
    app: App, settings: Settings
) -> None:
    down = msgspec.structs.replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0", rate_limit=1_000)
    key = await a_key(app)
    async with open_app(down) as alone, a_client_of(alone, down, key) as client:
        path = await a_started(client)
        answer = await client.post(f"{path}/messages", json=QUESTION)
        ready = await client.get("/ready")

    assert answer.status_code == 200
    assert answer.json()["citations"]
    assert int(answer.headers["x-ratelimit-remaining"]) in {998, 999}
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "checks": {"database": True, "redis": False, "ai_models": True},
        "degraded": ["redis"],
    }


async def test_with_valkey_deaf_a_call_is_answered_all_the_same(app: App, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        async with limited(
            app, msgspec.structs.replace(settings, redis_url=url), await a_key(app), 2
        ) as client:
            statuses = [(await client.get(CONVERSATIONS)).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_a_limited_call_is_not_kept(app: App, settings: Settings) -> None:
    key, repeat = await a_key(app), {"Idempotency-Key": "limited"}
    body = {"user_id": str(uuid4()), "channel": "web"}
    async with limited(app, settings, key, 0) as refused, limited(app, settings, key, 5) as allowed:
        statuses = [
            (await client.post(CONVERSATIONS, json=body, headers=repeat)).status_code
            for client in (refused, allowed)
        ]

    assert statuses == [429, 201]
