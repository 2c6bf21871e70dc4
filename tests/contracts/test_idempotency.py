"""One contract for the fake and for PostgreSQL."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.idempotency import PostgresIdempotency
from ports.outbound.idempotency import Claimed, Idempotency, InFlight, Mismatch, Replay
from tests.builders import ORGANIZATION, OTHER_ORGANIZATION
from tests.fakes import FixedClock, MemoryIdempotency

LEASE = timedelta(minutes=1)


@pytest.fixture(params=["fake", "postgres"])
def idempotency(request: pytest.FixtureRequest, app_pool: AsyncEngine) -> Idempotency:
    return MemoryIdempotency(FixedClock()) if request.param == "fake" else PostgresIdempotency(app_pool)


async def test_the_first_claim_wins_and_the_second_waits(idempotency: Idempotency) -> None:
    key = str(uuid4())

    claims = await asyncio.gather(*(idempotency.claim(ORGANIZATION, key, b"x", LEASE) for _ in range(5)))

    assert sum(isinstance(claim, Claimed) for claim in claims) == 1
    assert sum(isinstance(claim, InFlight) for claim in claims) == 4


async def test_a_kept_answer_is_replayed(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", LEASE)
    await idempotency.keep(ORGANIZATION, key, Replay(200, b"answer"))

    assert await idempotency.claim(ORGANIZATION, key, b"x", LEASE) == Replay(200, b"answer")


async def test_another_request_under_the_same_key_is_a_mismatch(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", LEASE)

    assert isinstance(await idempotency.claim(ORGANIZATION, key, b"y", LEASE), Mismatch)


async def test_a_released_key_can_be_claimed_again(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", LEASE)
    await idempotency.release(ORGANIZATION, key)

    assert isinstance(await idempotency.claim(ORGANIZATION, key, b"x", LEASE), Claimed)


async def test_releasing_does_not_forget_an_answer(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", LEASE)
    await idempotency.keep(ORGANIZATION, key, Replay(201, b"kept"))
    await idempotency.release(ORGANIZATION, key)

    assert await idempotency.claim(ORGANIZATION, key, b"x", LEASE) == Replay(201, b"kept")


async def test_a_claim_that_lapsed_may_be_taken_over(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", timedelta(seconds=-1))

    assert isinstance(await idempotency.claim(ORGANIZATION, key, b"x", LEASE), Claimed)


async def test_tenants_do_not_share_keys(idempotency: Idempotency) -> None:
    key = str(uuid4())
    await idempotency.claim(ORGANIZATION, key, b"x", LEASE)

    assert isinstance(await idempotency.claim(OTHER_ORGANIZATION, key, b"y", LEASE), Claimed)
