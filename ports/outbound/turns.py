"""The two hot transactions of a turn, hear and say, each one round trip and one commit."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.calendar import Calendar
from domain.conversation import Conversation
from domain.ids import ContentHash, ConversationId, MessageId, OrganizationId, UserId
from domain.message import Message
from domain.nlu.entities import Entity
from domain.policy import AnswerPolicy
from domain.rules.actions import Outward
from domain.rules.trial import Beside, Trial


class HearCommand(Struct, frozen=True):
    """Store a customer's message. `user` None means: whoever owns the conversation."""

    organization: OrganizationId
    conversation: ConversationId
    message: Message
    user: UserId | None = None


class HeardTurn(Struct, frozen=True):
    """What a turn needs, loaded in the transaction that stored the message.

    `conversation` already counts the message. `reply` is set when this message was answered before;
    `calendar` is the tenant's own, `trial` the one that is open, `intents` and `vocabulary` the tenant's own
    model and names, `policy` what it allows of answers, `spent` what models cost it today in US dollars,
    where that is limited.
    """

    conversation: Conversation
    tier: str
    ruleset: ContentHash | None
    knowledge: int
    reply: bytes | None = None
    calendar: Calendar | None = None
    trial: Trial | None = None
    intents: ContentHash | None = None
    vocabulary: ContentHash | None = None
    policy: AnswerPolicy = AnswerPolicy()
    spent: float = 0.0


class Turn(Struct, frozen=True):
    """The record of a turn: the answer as given (JSON, reasons and all) and what is kept in columns.

    `actions` are kept under their keys, once; `beside` is what the `trial` made of the turn, `receipt` what
    it was decided from.
    """

    reply: MessageId
    heard: MessageId
    answer: bytes
    route: str
    ruleset: ContentHash | None
    processing_ms: int
    intent: str
    intent_confidence: float
    sentiment: float
    emotion: str
    entities: tuple[Entity, ...]
    confidence: float
    tags: tuple[str, ...] = ()
    trial: UUID | None = None
    beside: Beside | None = None
    actions: tuple[Outward, ...] = ()
    depth: int = 0
    receipt: bytes = b""


class HeardAgain(Struct, frozen=True):
    """A stored customer's message that still waits for its answer."""

    conversation: ConversationId
    message: Message


class Turns(Protocol):
    """Hearing and saying."""

    @abstractmethod
    async def hear(self, command: HearCommand) -> HeardTurn:
        """Store the message and commit: from here on it is owed an answer.

        Hearing the same message id again stores nothing and returns the state as it is. Raises
        `NotFoundError` for an unknown conversation, `TransitionError` for one that is over, `Unavailable`
        when the database is down.
        """

    @abstractmethod
    async def say(self, conversation: Conversation, turn: Turn) -> bytes | None:
        """Store the conversation, its new messages and events, and the turn, in one commit.

        Returns None when stored, or the answer (JSON) that was already given to this message. Raises
        `Conflict` when the conversation changed since it was loaded, `Unavailable` when the database is
        down.
        """

    @abstractmethod
    async def unanswered(
        self, organization: OrganizationId, conversation: ConversationId, before: datetime
    ) -> Sequence[HeardAgain]:
        """A conversation's messages heard before `before` and never answered, oldest first, at most 100."""
