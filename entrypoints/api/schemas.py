"""What travels over HTTP: the customer's schemas, extended and never contradicted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Raw, Struct

from domain.conversation import Channel, Status
from domain.conversation import Conversation as Aggregate
from domain.message import Attachment, Sender
from ports.inbound.answer import Answer
from ports.outbound.conversations import Said


class StartConversation(Struct, frozen=True):
    """Open a conversation."""

    user_id: UUID
    channel: Channel
    metadata: dict[str, object] = {}


class SendMessage(Struct, frozen=True):
    """Say something. At most 5,000 characters and 5 attachments.

    `depth` is for automations, from callers that see all conversations: one more than the depth of the action
    that they answer. Rules of deep messages reach nobody outside, so automations cannot call each other
    forever.
    """

    content: Annotated[str, Meta(max_length=5_000, min_length=1)]
    attachments: tuple[Attachment, ...] = ()
    depth: Annotated[int, Meta(ge=0, le=100)] = 0


class Resolve(Struct, frozen=True):
    """Close as solved; agents may say by whom."""

    resolution: Annotated[str, Meta(pattern="^(automated|human|customer)$")] | None = None


class Escalate(Struct, frozen=True):
    """Ask for a person."""

    reason: Annotated[str, Meta(max_length=1_000)] = ""


class Feedback(Struct, frozen=True):
    """Rate an answer."""

    message_id: UUID
    helpful: bool
    comment: Annotated[str, Meta(max_length=2_000)] = ""


class Conversation(Struct, frozen=True):
    """A conversation. `message_count` counts customer and agent messages, not system messages."""

    id: UUID
    user_id: UUID
    channel: Channel
    status: Status
    created_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None
    message_count: int
    escalation_reason: str | None
    queue: str | None
    priority: str | None
    resolution: str | None
    metadata: Mapping[str, object]
    draft: str | None = None

    @classmethod
    def of(cls, conversation: Aggregate, *, staff: bool = False) -> "Conversation":
        """The wire form of an aggregate; an answer that awaits approval is for staff only."""
        handoff = conversation.handoff
        return cls(
            conversation.id,
            conversation.user,
            conversation.channel,
            conversation.status,
            conversation.started_at,
            conversation.last_activity_at,
            conversation.ended_at,
            conversation.message_count,
            handoff.reason if handoff else None,
            handoff.queue if handoff else None,
            handoff.priority if handoff else None,
            conversation.resolution,
            conversation.metadata,
            (handoff.draft or None) if handoff and staff else None,
        )


class Conversations(Struct, frozen=True):
    """A page, newest first. Pass `next` as `before` for the page after it."""

    items: list[Conversation]
    next: UUID | None


class MessageResponse(Answer, frozen=True):
    """The answer to a message, with its sources and reasons."""


class Message(Struct, frozen=True):
    """One message of a transcript; an agent's answer comes with its reasons."""

    id: UUID
    conversation_id: UUID
    sender_type: Sender
    content: str
    created_at: datetime
    in_reply_to: UUID | None
    attachments: tuple[Attachment, ...]
    answer: Raw | None

    @classmethod
    def of(cls, conversation: UUID, said: Said) -> "Message":
        """The wire form of a stored message."""
        message = said.message
        return cls(
            message.id,
            conversation,
            message.sender,
            message.content,
            message.at,
            message.in_reply_to,
            message.attachments,
            None if said.answer is None else Raw(said.answer),
        )


class Messages(Struct, frozen=True):
    """A page in the order of the conversation. Pass `next` as `after` for the page after it."""

    items: list[Message]
    next: UUID | None


class Session(Struct, frozen=True):
    """A short-lived token for one visitor of the demo page."""

    token: str
    user_id: UUID
    expires_at: datetime


class Error(Struct, frozen=True):
    """What went wrong. `details.code` is stable and meant for programs."""

    error: str
    details: dict[str, object]


class RateLimited(Struct, frozen=True):
    """Too many calls; try again after `retry_after` seconds."""

    error: str
    retry_after: int
    details: dict[str, object]


class Health(Struct, frozen=True):
    """The process is alive."""

    status: str
    version: str
    timestamp: datetime


class Ready(Struct, frozen=True):
    """Whether turns can be served. A counter that is down degrades, it does not stop."""

    ready: bool
    checks: dict[str, bool]
    degraded: list[str]
