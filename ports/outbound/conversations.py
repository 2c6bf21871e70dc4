"""Where conversations live, for everything but the two hot transactions of a turn (see `turns`)."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.conversation import Channel, Conversation, Status
from domain.events import AnyEvent
from domain.ids import ConversationId, MessageId, UserId
from domain.message import Message


class ConversationFilter(Struct, frozen=True):
    """Which conversations to list, newest first. `before` is the last id of the page before."""

    status: Status | None = None
    channel: Channel | None = None
    user: UserId | None = None
    before: ConversationId | None = None
    limit: int = 20


class Said(Struct, frozen=True):
    """A message of a transcript; `answer` is the stored answer of an AI message, as JSON."""

    message: Message
    answer: bytes | None = None


class Conversations(Protocol):
    """The conversations of one tenant, inside a unit of work."""

    @abstractmethod
    async def get(self, conversation: ConversationId) -> Conversation:
        """Load one. Raises `NotFoundError` when it does not exist or is another tenant's."""

    @abstractmethod
    async def find_open(self, user: UserId, channel: Channel) -> Conversation | None:
        """The open conversation of a user on a channel, if there is one."""

    @abstractmethod
    async def save(self, conversation: Conversation) -> None:
        """Store state, new messages and events; the recent contacts of a new one are counted.

        Raises `Conflict` when it changed since it was loaded.
        """

    @abstractmethod
    async def page(self, wanted: ConversationFilter) -> Sequence[Conversation]:
        """One page, newest first."""


class Rating(Struct, frozen=True):
    """A customer's word on an answer."""

    helpful: bool
    comment: str
    at: datetime


class Transcripts(Protocol):
    """The messages of one tenant's conversations, inside a unit of work."""

    @abstractmethod
    async def page(self, conversation: ConversationId, after: MessageId | None, limit: int) -> Sequence[Said]:
        """Messages in the order they were said, from after `after`; empty for an unknown conversation."""

    @abstractmethod
    async def answered(self, heard: MessageId) -> Said | None:
        """The reply to a heard message, if it has been said."""

    @abstractmethod
    async def rate(self, conversation: ConversationId, message: MessageId, rating: Rating) -> None:
        """Store a rating of an agent's message; the newest one stands. Raises `NotFoundError`."""

    @abstractmethod
    async def record(self, event: AnyEvent) -> None:
        """Put an event into the outbox that belongs to no change of the aggregate."""
