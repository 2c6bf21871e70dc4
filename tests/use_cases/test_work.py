"""Background work end to end on real servers: abandonment, swept-up messages, figures, and failures."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from adapters.postgres.engine import WORKER, engine
from adapters.postgres.jobs import PostgresJobs, PostgresOutbox, PostgresOverdue
from adapters.postgres.migrate import owner_engine
from adapters.system import SystemClock
from domain.conversation import Channel, Status
from domain.ids import ConversationId, JobId, MessageId, OrganizationId, UserId
from domain.message import Message, Sender
from entrypoints.bootstrap import App, wire
from entrypoints.settings import Settings
from ports.errors import Unavailable
from ports.inbound.close import Resolve
from ports.inbound.start import Start
from ports.inbound.work import Sweep, Swept, Timing
from ports.outbound.turns import HearCommand
from tests.builders import ORGANIZATION, a_principal
from tests.fakes import Bell, FixedClock

AT_ONCE = Timing(inactive=timedelta(0), unanswered=timedelta(0))


async def start(app: App) -> ConversationId:
    return (await app.start(Start(ORGANIZATION, UserId(uuid4()), Channel.WEB))).conversation.id


async def hear(app: App, conversation: ConversationId, content: str) -> MessageId:
    """Store a message as a process does that dies right after."""
    message = Message(MessageId(uuid4()), Sender.USER, content, datetime.now(UTC))
    await app.ports.turns.hear(HearCommand(ORGANIZATION, conversation, message))
    return message.id


async def sweep_and_work(app: App, settings: Settings, timing: Timing = AT_ONCE) -> Swept:
    """One round of the scheduler, and then everything it rang for."""
    pool = engine(settings.database_url, WORKER, 2)
    bell, jobs = Bell(), PostgresJobs(pool)
    sweep = Sweep(PostgresOutbox(pool), PostgresOverdue(pool), jobs, bell, SystemClock(), timing)
    swept = await sweep()
    hasty = wire(app.ports, timing)
    for job in bell.rang:
        await hasty.run_job(job)
    await pool.dispose()
    return swept


async def status(app: App, conversation: ConversationId) -> Status:
    return (await app.read.one(a_principal(), conversation)).status


async def replies(app: App, conversation: ConversationId) -> list[tuple[MessageId | None, str]]:
    async with app.ports.begin(ORGANIZATION) as unit:
        said = await unit.transcripts.page(conversation, None, 50)
    return [(s.message.in_reply_to, s.message.content) for s in said if s.message.in_reply_to]


async def test_a_silent_conversation_is_abandoned_once_and_counted(app: App, settings: Settings) -> None:
    conversation = await start(app)

    await sweep_and_work(app, settings)
    await sweep_and_work(app, settings)

    assert await status(app, conversation) is Status.ABANDONED
    owner = owner_engine(settings.owner_url)
    async with owner.connect() as connection:
        days = await connection.execute(
            text("SELECT sum(abandoned) FROM analytics.days WHERE channel = 'web'")
        )
        assert days.scalar_one() >= 1
    await owner.dispose()


async def test_a_conversation_that_is_not_silent_long_enough_stays(app: App, settings: Settings) -> None:
    conversation = await start(app)

    await sweep_and_work(app, settings, Timing())

    assert await status(app, conversation) is Status.ACTIVE


async def test_a_message_heard_and_never_answered_is_answered_once(app: App, settings: Settings) -> None:
    conversation = await start(app)
    lost = await hear(app, conversation, "How do I reset my password?")

    await sweep_and_work(app, settings)
    await sweep_and_work(app, settings)

    found = await replies(app, conversation)
    assert [to for to, _ in found] == [lost]
    assert "Forgot Your Password" in found[0][1]


async def test_several_lost_messages_are_answered_in_their_order(app: App, settings: Settings) -> None:
    conversation = await start(app)
    lost = [await hear(app, conversation, f"How do I create a report? ({n})") for n in range(3)]

    await sweep_and_work(app, settings)

    assert [to for to, _ in await replies(app, conversation)] == lost


async def test_a_lost_message_of_a_resolved_conversation_asks_for_nothing(
    app: App, settings: Settings
) -> None:
    conversation = await start(app)
    await hear(app, conversation, "How do I create a report?")
    await app.resolve(Resolve(a_principal(), conversation))

    swept = await sweep_and_work(app, settings)

    assert swept.unanswered == 0
    assert await replies(app, conversation) == []


async def test_a_broken_bell_is_told_and_nothing_is_lost(app: App, settings: Settings) -> None:
    conversation = await start(app)
    await hear(app, conversation, "How do I create a report?")
    pool = engine(settings.database_url, WORKER, 2)
    bell, jobs = Bell(), PostgresJobs(pool)
    bell.broken = True
    clock = FixedClock(datetime.now(UTC) + timedelta(minutes=5))
    sweep = Sweep(PostgresOutbox(pool), PostgresOverdue(pool), jobs, bell, clock, Timing())

    with pytest.raises(Unavailable):
        await sweep()
    await pool.dispose()
    await sweep_and_work(app, settings)

    assert len(await replies(app, conversation)) == 1


async def test_a_long_job_is_kept_for_its_worker(app: App, settings: Settings) -> None:
    """Once in three leases would another worker have taken it, without signs of life."""
    owner = owner_engine(settings.owner_url)
    async with owner.begin() as connection:
        added = await connection.execute(
            text(
                "INSERT INTO core.jobs (organization_id, kind, key) VALUES (:org, 'index', 'x') RETURNING id"
            ),
            {"org": ORGANIZATION},
        )
        job = JobId(added.scalar_one())
    await owner.dispose()
    done = []

    async def slow(organization: OrganizationId) -> bool:
        await asyncio.sleep(1.0)
        done.append(organization)
        return True

    run = wire(app.ports, Timing(lease=timedelta(seconds=0.3))).run_job
    first, second = replace(run, refresh=slow), replace(run, refresh=slow)

    async def later() -> bool:
        await asyncio.sleep(0.7)
        return await second(job)

    assert list(await asyncio.gather(first(job), later())) == [True, False]
    assert done == [ORGANIZATION]


async def test_a_job_that_makes_no_sense_is_buried_in_sight(app: App, settings: Settings) -> None:
    owner = owner_engine(settings.owner_url)
    async with owner.begin() as connection:
        await connection.execute(
            text("INSERT INTO core.jobs (organization_id, kind, key) VALUES (:org, 'answer', :key)"),
            {"org": ORGANIZATION, "key": str(uuid4())},
        )
        await connection.execute(
            text("INSERT INTO core.jobs (organization_id, kind, key) VALUES (:org, 'abandon', :key)"),
            {"org": ORGANIZATION, "key": str(uuid4())},
        )

    await sweep_and_work(app, settings, Timing())

    async with owner.connect() as connection:
        left = await connection.execute(
            text("SELECT count(*) FROM core.jobs WHERE NOT dead AND run_at <= now()")
        )
        assert left.scalar_one() == 0
    await owner.dispose()
