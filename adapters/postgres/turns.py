"""Hear and say: one round trip and one commit each, through functions that the migration defines."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from adapters.postgres.rows import ConversationRow
from domain.calendar import Calendar
from domain.conversation import AFTER_HEARING, Conversation, over
from domain.errors import NotFoundError
from domain.ids import ContentHash, ConversationId, MessageId, OrganizationId
from domain.message import Attachment, Message, Sender
from domain.policy import AnswerPolicy
from domain.rules.trial import Trial
from ports.errors import Conflict
from ports.outbound.turns import HearCommand, HeardAgain, HeardTurn, Turn, Turns

AFTER = msgspec.json.encode(dict(AFTER_HEARING)).decode()
HEAR = "SELECT core.hear($1, $2, $3, $4::jsonb, $5::jsonb)"
SAY = "SELECT core.say($1, $2::jsonb, $3::jsonb, $4::jsonb, $5::jsonb)"
TENANT = "SELECT set_config('app.current_org_id', $1, true)"
UNANSWERED = """
SELECT m.id, m.conversation_id, m.content, m.attachments, m.depth, m.created_at
FROM core.messages m JOIN core.conversations c
    ON c.organization_id = m.organization_id AND c.id = m.conversation_id
WHERE m.organization_id = $1 AND m.conversation_id = $2 AND m.sender_type = 'user' AND m.created_at < $3
    AND c.unanswered > 0
    AND NOT EXISTS (
        SELECT FROM core.messages r WHERE r.organization_id = m.organization_id AND r.in_reply_to = m.id
    )
ORDER BY m.seq LIMIT 100
"""


class _Row(Struct, frozen=True):
    conversation: ConversationRow
    tier: str
    ruleset: ContentHash | None
    knowledge: int
    calendar: Calendar | None
    trial: Trial | None
    intents: ContentHash | None
    vocabulary: ContentHash | None
    answers: AnswerPolicy | None
    spent: float
    reply: Raw


_row = msgspec.json.Decoder(_Row)


class PostgresTurns(Turns):
    """The two hot transactions, on a pool of the application role."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def hear(self, command: HearCommand) -> HeardTurn:
        message = _json(command.message)
        async with driver(self._engine) as connection:
            raw = await connection.fetchval(
                HEAR, command.organization, command.conversation, command.user, message, AFTER
            )
        if raw is None:
            raise NotFoundError("conversation")
        row = _row.decode(raw)
        reply = None if bytes(row.reply) == b"null" else bytes(row.reply)
        if reply is None and row.conversation.status not in AFTER_HEARING:
            raise over(row.conversation.status)
        return HeardTurn(
            row.conversation.to_domain(),
            row.tier,
            row.ruleset,
            row.knowledge,
            reply,
            row.calendar,
            row.trial,
            row.intents,
            row.vocabulary,
            row.answers or AnswerPolicy(),
            row.spent,
        )

    async def say(self, conversation: Conversation, turn: Turn) -> bytes | None:
        async with driver(self._engine) as connection:
            given: str | None = await connection.fetchval(
                SAY,
                conversation.organization,
                _json(_state(conversation)),
                _json(conversation.said),
                _json(_record(turn)),
                _json(conversation.events),
            )
        if given == "conflict":
            raise Conflict("The conversation changed meanwhile.")
        conversation.said.clear()
        conversation.events.clear()
        return None if given is None else given.encode()

    async def unanswered(
        self, organization: OrganizationId, conversation: ConversationId, before: datetime
    ) -> Sequence[HeardAgain]:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            rows = await connection.fetch(UNANSWERED, organization, conversation, before)
        return [
            HeardAgain(
                conversation,
                Message(
                    MessageId(row["id"]),
                    Sender.USER,
                    row["content"],
                    row["created_at"],
                    msgspec.convert(row["attachments"], tuple[Attachment, ...]),
                    depth=row["depth"],
                ),
            )
            for row in rows
        ]


def _state(conversation: Conversation) -> dict[str, object]:
    return {
        "id": conversation.id,
        "version": conversation.version,
        "status": conversation.status,
        "unanswered": conversation.unanswered,
        "message_count": conversation.message_count,
        "last_activity_at": conversation.last_activity_at,
        "context": conversation.context,
        "handoff": conversation.handoff,
        "ended_at": conversation.ended_at,
        "resolution": conversation.resolution,
    }


def _record(turn: Turn) -> dict[str, object]:
    return {
        "reply": turn.reply,
        "heard": turn.heard,
        "answer": Raw(turn.answer),
        "ruleset": turn.ruleset,
        "route": turn.route,
        "processing_ms": turn.processing_ms,
        "intent": turn.intent,
        "intent_confidence": turn.intent_confidence,
        "sentiment": turn.sentiment,
        "emotion": turn.emotion,
        "entities": turn.entities,
        "confidence": turn.confidence,
        "tags": turn.tags,
        "trial": turn.trial,
        "beside": turn.beside,
        "actions": turn.actions,
        "depth": turn.depth,
        "receipt": turn.receipt,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
