"""Hearing and saying on real PostgreSQL: nothing lost, nothing twice, the aggregate's own states."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.turns import PostgresTurns
from adapters.postgres.units import PostgresUnits
from domain.conversation import AFTER_HEARING, Channel, Conversation, Status
from domain.errors import NotFoundError, TransitionError
from domain.ids import ContentHash, ConversationId, MessageId, UserId
from domain.message import Message, Sender
from ports.errors import Conflict
from ports.outbound.conversations import Rating
from ports.outbound.turns import HearCommand, Turn
from tests.builders import NOW, ORGANIZATION, OTHER_ORGANIZATION, a_message, a_new_conversation


@pytest.fixture
def units(app_pool: AsyncEngine) -> PostgresUnits:
    return PostgresUnits(app_pool)


@pytest.fixture
def turns(app_pool: AsyncEngine) -> PostgresTurns:
    return PostgresTurns(app_pool)


@pytest.fixture
async def conversation(units: PostgresUnits) -> Conversation:
    opened = a_new_conversation(user=UserId(uuid4()))
    async with units(ORGANIZATION) as unit:
        await unit.members.welcome(opened.user)
        await unit.conversations.save(opened)
        await unit.commit()
    return opened


def hearing(conversation: Conversation, message: Message) -> HearCommand:
    return HearCommand(conversation.organization, conversation.id, message)


def a_turn(heard: Message, reply: Message) -> Turn:
    answer = msgspec.json.encode({"response": reply.content})
    return Turn(
        reply.id, heard.id, answer, "extractive", None, 12, "password_reset", 0.9, 0.1, "joy", (), 0.8
    )


async def answer(turns: PostgresTurns, conversation: Conversation, heard: Message) -> bytes | None:
    reply = a_message("An answer.", sender=Sender.AI_AGENT, in_reply_to=heard.id)
    conversation.answer(reply, response_type="informational", context=conversation.context)
    return await turns.say(conversation, a_turn(heard, reply))


async def stored(units: PostgresUnits, conversation: Conversation) -> Conversation:
    async with units(ORGANIZATION) as unit:
        return await unit.conversations.get(conversation.id)


async def test_what_is_heard_is_stored_at_once(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    message = a_message("Where is my data?")

    heard = await turns.hear(hearing(conversation, message))

    found = await stored(units, conversation)
    assert heard.conversation.status is found.status is Status.WAITING
    assert (found.message_count, found.unanswered) == (1, 1)
    assert heard.tier == "enterprise"


async def test_hearing_agrees_with_the_aggregate_in_every_state(
    turns: PostgresTurns, units: PostgresUnits
) -> None:
    for status in Status:
        twin = a_new_conversation(user=UserId(uuid4()))
        async with units(ORGANIZATION) as unit:
            await unit.members.welcome(twin.user)
            twin.status = status
            await unit.conversations.save(twin)
            await unit.commit()
        message = a_message()

        if status in AFTER_HEARING:
            heard = await turns.hear(hearing(twin, message))
            twin.hear(message)
            assert heard.conversation.status is twin.status
            assert heard.conversation.unanswered == twin.unanswered
            assert heard.conversation.message_count == twin.message_count
        else:
            with pytest.raises(TransitionError) as refused:
                await turns.hear(hearing(twin, message))
            assert refused.value.code == f"conversation_{status}"
            assert (await stored(units, twin)).message_count == 0


async def test_hearing_the_same_message_again_stores_nothing(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    message = a_message()

    await asyncio.gather(*(turns.hear(hearing(conversation, message)) for _ in range(5)))

    assert (await stored(units, conversation)).message_count == 1


async def test_an_answered_message_gives_its_answer_again(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    message = a_message()
    heard = await turns.hear(hearing(conversation, message))
    assert await answer(turns, heard.conversation, message) is None

    again = await turns.hear(hearing(conversation, message))

    assert again.reply is not None
    assert msgspec.json.decode(again.reply) == {"response": "An answer."}


async def test_saying_activates_counts_and_keeps_the_turn(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    message = a_message()
    heard = await turns.hear(hearing(conversation, message))

    await answer(turns, heard.conversation, message)

    found = await stored(units, conversation)
    assert (found.status, found.message_count, found.unanswered) == (Status.ACTIVE, 2, 0)
    async with units(ORGANIZATION) as unit:
        said = await unit.transcripts.page(conversation.id, None, 10)
        reply = await unit.transcripts.answered(message.id)
    assert [s.message.sender for s in said] == [Sender.SYSTEM, Sender.USER, Sender.AI_AGENT]
    assert reply is not None
    assert reply.answer is not None


async def test_saying_on_a_changed_conversation_is_a_conflict(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    message = a_message()
    heard = await turns.hear(hearing(conversation, message))
    await turns.hear(hearing(conversation, a_message("And another thing")))

    with pytest.raises(Conflict):
        await answer(turns, heard.conversation, message)


async def test_of_two_answers_to_one_message_the_first_stands(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    message = a_message()
    heard = await turns.hear(hearing(conversation, message))
    late = await turns.hear(hearing(conversation, message))
    await answer(turns, heard.conversation, message)

    given = await answer(turns, late.conversation, message)

    assert given is not None
    assert (await stored(units, conversation)).message_count == 2


async def test_unanswered_messages_are_found_and_answered_ones_are_not(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    first, second = a_message("one"), a_message("two")
    heard = await turns.hear(hearing(conversation, first))
    await answer(turns, heard.conversation, first)
    await turns.hear(hearing(conversation, second))

    waiting = await turns.unanswered(ORGANIZATION, conversation.id, NOW + timedelta(seconds=1))
    too_young = await turns.unanswered(ORGANIZATION, conversation.id, NOW)

    assert [w.message.content for w in waiting] == ["two"]
    assert too_young == []


async def test_another_tenants_conversation_does_not_exist(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    with pytest.raises(NotFoundError):
        await turns.hear(HearCommand(OTHER_ORGANIZATION, conversation.id, a_message()))


async def test_another_users_conversation_does_not_exist(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    with pytest.raises(NotFoundError):
        await turns.hear(HearCommand(ORGANIZATION, conversation.id, a_message(), UserId(uuid4())))


async def test_an_unknown_conversation_does_not_exist(turns: PostgresTurns) -> None:
    with pytest.raises(NotFoundError):
        await turns.hear(HearCommand(ORGANIZATION, ConversationId(uuid4()), a_message()))


async def test_attachments_and_any_text_come_back_as_they_were(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    content = "\u202eright to left\u202c  'quotes' \\ $$ {} \U0001f600 %s"

    await turns.hear(hearing(conversation, a_message(content)))

    async with units(ORGANIZATION) as unit:
        said = await unit.transcripts.page(conversation.id, None, 10)
    assert said[-1].message.content == content


async def test_two_starts_on_one_channel_conflict(units: PostgresUnits) -> None:
    user = UserId(uuid4())

    async def open_one() -> None:
        async with units(ORGANIZATION) as unit:
            await unit.members.welcome(user)
            await unit.conversations.save(a_new_conversation(user=user, channel=Channel.SLACK))
            await unit.commit()

    await open_one()
    with pytest.raises(Conflict):
        await open_one()


async def test_a_unit_that_is_not_committed_leaves_nothing(units: PostgresUnits) -> None:
    opened = a_new_conversation(user=UserId(uuid4()))

    async with units(ORGANIZATION) as unit:
        await unit.members.welcome(opened.user)
        await unit.conversations.save(opened)

    with pytest.raises(NotFoundError):
        await stored(units, opened)


async def test_a_stale_save_is_a_conflict(units: PostgresUnits, conversation: Conversation) -> None:
    stale = await stored(units, conversation)
    fresh = await stored(units, conversation)
    fresh.resolve("customer", NOW)
    async with units(ORGANIZATION) as unit:
        await unit.conversations.save(fresh)
        await unit.commit()

    stale.resolve("human", NOW)
    with pytest.raises(Conflict):
        async with units(ORGANIZATION) as unit:
            await unit.conversations.save(stale)


async def test_a_missing_rule_set_does_not_exist(units: PostgresUnits) -> None:
    async with units(ORGANIZATION) as unit:
        with pytest.raises(NotFoundError):
            await unit.rulesets.source(ContentHash("nothing"))


async def test_a_message_cannot_be_rated_before_it_exists(
    units: PostgresUnits, conversation: Conversation
) -> None:
    async with units(ORGANIZATION) as unit:
        with pytest.raises(NotFoundError):
            await unit.transcripts.rate(conversation.id, MessageId(uuid4()), Rating(True, "", NOW))


async def test_closing_with_an_answer_is_stored(
    turns: PostgresTurns, units: PostgresUnits, conversation: Conversation
) -> None:
    message = a_message()
    heard = (await turns.hear(hearing(conversation, message))).conversation
    reply = a_message("That was it.", sender=Sender.AI_AGENT, in_reply_to=message.id)
    heard.answer(reply, response_type="informational", context=heard.context)
    heard.resolve("automated", NOW)

    await turns.say(heard, a_turn(message, reply))

    found = await stored(units, conversation)
    assert (found.status, found.resolution, found.ended_at) == (Status.RESOLVED, "automated", NOW)


async def test_a_customers_conversations_of_the_last_thirty_days_are_counted_when_one_begins(
    units: PostgresUnits,
) -> None:
    user, counted = UserId(uuid4()), []
    for days, channel in ((31, Channel.WEB), (29, Channel.SLACK), (0, Channel.API)):
        opened = a_new_conversation(user=user, channel=channel, at=NOW - timedelta(days=days))
        async with units(ORGANIZATION) as unit:
            await unit.members.welcome(user)
            await unit.conversations.save(opened)
            await unit.commit()
        counted.append((await stored(units, opened)).recent_contacts)

    assert counted == [0, 1, 1]


async def test_an_automations_message_keeps_its_depth(
    turns: PostgresTurns, conversation: Conversation
) -> None:
    deep = msgspec.structs.replace(a_message(), depth=2)
    await turns.hear(hearing(conversation, deep))

    [waiting] = await turns.unanswered(ORGANIZATION, conversation.id, NOW + timedelta(days=1))

    assert waiting.message.depth == 2
