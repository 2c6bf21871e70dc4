"""Conversations and transcripts in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import conversation_from, conversation_values, message_from, message_values
from adapters.postgres.tables import conversations, feedback, messages, outbox, turns
from domain.conversation import Channel, Conversation
from domain.errors import NotFoundError
from domain.events import AnyEvent
from domain.ids import ConversationId, MessageId, OrganizationId, UserId
from domain.message import Sender
from ports.errors import Conflict
from ports.outbound.conversations import ConversationFilter, Conversations, Rating, Said, Transcripts

RECENT = timedelta(days=30)


class PostgresConversations(Conversations):
    """The conversations of one tenant; row-level security keeps the rest out of sight."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def get(self, conversation: ConversationId) -> Conversation:
        row = (await self._connection.execute(self._one(conversation))).mappings().first()
        if row is None:
            raise NotFoundError("conversation")
        return conversation_from(dict(row))

    async def find_open(self, user: UserId, channel: Channel) -> Conversation | None:
        query = select(conversations).where(
            conversations.c.organization_id == self._organization,
            conversations.c.user_id == user,
            conversations.c.channel == channel.value,
            conversations.c.status.in_(["active", "waiting"]),
        )
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else conversation_from(dict(row))

    async def save(self, conversation: Conversation) -> None:
        if conversation.version == 0:
            await self._insert(conversation)
        else:
            await self._update(conversation)
        conversation.version += 1
        if conversation.said:
            await self._connection.execute(
                insert(messages), [message_values(conversation, message) for message in conversation.said]
            )
        if conversation.events:
            rows = [
                {"organization_id": self._organization, "event": msgspec.to_builtins(e)}
                for e in conversation.events
            ]
            await self._connection.execute(insert(outbox), rows)
        conversation.said.clear()
        conversation.events.clear()

    async def page(self, wanted: ConversationFilter) -> Sequence[Conversation]:
        c = conversations.c
        query = select(conversations).where(c.organization_id == self._organization)
        for column, value in (
            (c.status, wanted.status),
            (c.channel, wanted.channel),
            (c.user_id, wanted.user),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.before is not None:
            query = query.where(c.id < wanted.before)
        rows = await self._connection.execute(query.order_by(c.id.desc()).limit(wanted.limit))
        return [conversation_from(dict(row)) for row in rows.mappings()]

    def _one(self, conversation: ConversationId) -> Select[Any]:
        c = conversations.c
        return select(conversations).where(c.organization_id == self._organization, c.id == conversation)

    async def _insert(self, conversation: Conversation) -> None:
        c = conversations.c
        recent = (
            select(func.count())
            .select_from(conversations)
            .where(
                c.user_id == conversation.user,
                c.organization_id == self._organization,
                c.started_at >= conversation.started_at - RECENT,
            )
            .scalar_subquery()
        )
        await self._connection.execute(
            insert(conversations).values(
                organization_id=self._organization,
                id=conversation.id,
                user_id=conversation.user,
                channel=conversation.channel.value,
                started_at=conversation.started_at,
                metadata=msgspec.to_builtins(conversation.metadata),
                recent_contacts=recent,
                version=1,
                **conversation_values(conversation),
            )
        )

    async def _update(self, conversation: Conversation) -> None:
        c = conversations.c
        changed = await self._connection.execute(
            update(conversations)
            .where(
                c.organization_id == self._organization,
                c.id == conversation.id,
                c.version == conversation.version,
            )
            .values(version=conversation.version + 1, **conversation_values(conversation))
        )
        if changed.rowcount != 1:
            raise Conflict("The conversation changed meanwhile.")


class PostgresTranscripts(Transcripts):
    """Messages, in the order they were stored."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def page(self, conversation: ConversationId, after: MessageId | None, limit: int) -> Sequence[Said]:
        m = messages.c
        query = self._with_answers().where(m.conversation_id == conversation)
        if after is not None:
            place = (
                select(m.seq).where(m.organization_id == self._organization, m.id == after).scalar_subquery()
            )
            query = query.where(m.seq > place)
        rows = await self._connection.execute(query.order_by(m.seq).limit(limit))
        return [_said(dict(row)) for row in rows.mappings()]

    async def answered(self, heard: MessageId) -> Said | None:
        query = self._with_answers().where(messages.c.in_reply_to == heard)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _said(dict(row))

    async def rate(self, conversation: ConversationId, message: MessageId, rating: Rating) -> None:
        m = messages.c
        agents = select(m.id).where(
            m.organization_id == self._organization,
            m.conversation_id == conversation,
            m.id == message,
            m.sender_type.in_([Sender.AI_AGENT.value, Sender.HUMAN_AGENT.value]),
        )
        if (await self._connection.execute(agents)).first() is None:
            raise NotFoundError("message")
        values = {"helpful": rating.helpful, "comment": rating.comment, "created_at": rating.at}
        await self._connection.execute(
            upsert(feedback)
            .values(
                organization_id=self._organization, conversation_id=conversation, message_id=message, **values
            )
            .on_conflict_do_update(index_elements=["organization_id", "message_id"], set_=values)
        )

    async def record(self, event: AnyEvent) -> None:
        await self._connection.execute(
            insert(outbox).values(organization_id=self._organization, event=msgspec.to_builtins(event))
        )

    def _with_answers(self) -> Select[Any]:
        m, t = messages.c, turns.c
        return (
            select(messages, t.answer)
            .outerjoin(turns, (t.organization_id == m.organization_id) & (t.reply_id == m.id))
            .where(m.organization_id == self._organization)
        )


def _said(row: dict[str, object]) -> Said:
    answer = row.pop("answer")
    return Said(message_from(row), None if answer is None else msgspec.json.encode(answer))
