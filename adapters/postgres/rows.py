"""Rows of conversations, messages and articles, to and from the domain."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping

from domain.conversation import Channel, Conversation, Handoff, Status
from domain.dialogue import Context
from domain.ids import ConversationId, MessageId, OrganizationId, UserId
from domain.message import Attachment, Message, Sender
from domain.retrieval.scope import Reach

T = TypeVar("T")


class ConversationRow(Struct, frozen=True):
    """The columns of `core.conversations` that make the aggregate."""

    organization_id: UUID
    id: UUID
    user_id: UUID
    channel: Channel
    status: Status
    started_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None
    message_count: int
    unanswered: int
    resolution_type: str | None
    handoff: Handoff | None
    context: Context
    metadata: Mapping[str, object]
    version: int
    recent_contacts: int = 0

    def to_domain(self) -> Conversation:
        """The aggregate as it was stored."""
        return Conversation(
            ConversationId(self.id),
            OrganizationId(self.organization_id),
            UserId(self.user_id),
            self.channel,
            self.started_at,
            self.last_activity_at,
            self.status,
            self.ended_at,
            self.message_count,
            self.unanswered,
            self.context,
            self.metadata,
            self.handoff,
            self.resolution_type,
            self.version,
            self.recent_contacts,
        )


def conversation_from(row: Mapping[str, Any]) -> Conversation:
    """The aggregate from a row of any origin."""
    plain = {str(column): value for column, value in row.items()}  # SQLAlchemy's names are a kind of str
    return msgspec.convert(plain, ConversationRow).to_domain()


def conversation_values(conversation: Conversation) -> dict[str, Any]:
    """The columns that change in a conversation's life."""
    handoff = conversation.handoff
    return {
        "status": conversation.status.value,
        "last_activity_at": conversation.last_activity_at,
        "ended_at": conversation.ended_at,
        "message_count": conversation.message_count,
        "unanswered": conversation.unanswered,
        "resolution_type": conversation.resolution,
        "escalated": handoff is not None,
        "escalation_reason": handoff.reason[:1000] if handoff else None,
        "handoff": msgspec.to_builtins(handoff),
        "context": msgspec.to_builtins(conversation.context),
    }


def message_from(row: Mapping[str, Any]) -> Message:
    """A message from its row."""
    return Message(
        MessageId(row["id"]),
        Sender(row["sender_type"]),
        row["content"],
        row["created_at"],
        msgspec.convert(row["attachments"], tuple[Attachment, ...]),
        MessageId(row["in_reply_to"]) if row["in_reply_to"] else None,
        row["kind"],
    )


def message_values(conversation: Conversation, message: Message) -> dict[str, Any]:
    """A message as a row."""
    return {
        "organization_id": conversation.organization,
        "id": message.id,
        "conversation_id": conversation.id,
        "sender_type": message.sender.value,
        "kind": message.kind,
        "content": message.content,
        "attachments": msgspec.to_builtins(message.attachments),
        "in_reply_to": message.in_reply_to,
        "created_at": message.at,
    }


def read_row(row: RowMapping, kind: type[T]) -> T:
    """A row as a Struct whose fields are named as the columns are; further columns are left out."""
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)


def reach_of(row: RowMapping | Mapping[str, Any]) -> Reach:
    """Whom and when an article of `ai.knowledge_entries` is for."""
    return Reach(
        row["version"],
        row["language"],
        row["audience"],
        tuple(row["access_groups"]),
        row["valid_from"],
        row["valid_until"],
    )
