"""One contract for the fake and for Valkey; and what happens when Valkey is away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from adapters.local import Valkey, free_port
from adapters.redis import RedisTraffic, connect
from ports.outbound.traffic import Traffic
from tests.builders import NOW
from tests.fakes import FixedClock, MemoryTraffic


@pytest.fixture(params=["fake", "valkey"])
async def traffic(request: pytest.FixtureRequest, valkey: Valkey) -> AsyncIterator[Traffic]:
    clock = FixedClock()
    if request.param == "fake":
        yield MemoryTraffic(clock)
        return
    client = connect(valkey.url)
    yield RedisTraffic(client, now=lambda: clock.now().timestamp())
    await client.aclose()


async def test_exactly_as_many_as_allowed_pass(traffic: Traffic) -> None:
    caller = str(uuid4())

    counted = await asyncio.gather(*(traffic.count(caller, 10) for _ in range(25)))

    assert sum(allowance.allowed for allowance in counted) == 10
    assert min(allowance.remaining for allowance in counted) == 0


async def test_the_window_ends_at_a_full_minute(traffic: Traffic) -> None:
    allowance = await traffic.count(str(uuid4()), 10)

    assert allowance.reset % 60 == 0
    assert 0 < allowance.reset - NOW.timestamp() <= 60


async def test_callers_do_not_share_a_count(traffic: Traffic) -> None:
    first = await traffic.count(str(uuid4()), 10)
    second = await traffic.count(str(uuid4()), 10)

    assert first.remaining == second.remaining == 9


async def test_without_valkey_each_process_counts_for_itself() -> None:
    client = connect(f"redis://127.0.0.1:{free_port()}/0")
    traffic = RedisTraffic(client)

    counted = [await traffic.count("caller", 3) for _ in range(5)]

    assert [allowance.allowed for allowance in counted] == [True, True, True, False, False]
    await client.aclose()


async def test_two_processes_share_a_count(valkey: Valkey) -> None:
    caller = str(uuid4())
    clients = [connect(valkey.url), connect(valkey.url)]
    both = [RedisTraffic(client, now=NOW.timestamp) for client in clients]

    counted = await asyncio.gather(*(traffic.count(caller, 10) for traffic in both for _ in range(10)))

    assert sum(allowance.allowed for allowance in counted) == 10
    for client in clients:
        await client.aclose()
