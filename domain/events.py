"""What happened, in the past tense.

Events are stored in the outbox with the aggregate, never dispatched in memory.
"""

from datetime import datetime

from msgspec import Struct

from domain.ids import ConversationId, MessageId, RuleId


class Event(Struct, frozen=True, tag_field="event"):
    """Something that happened to a conversation at a moment (UTC)."""

    conversation: ConversationId
    at: datetime


class ConversationStarted(Event, frozen=True, tag="conversation_started"):
    """A conversation was opened and greeted."""


class Answered(Event, frozen=True, tag="answered"):
    """The agent answered a customer's message."""

    message: MessageId
    response_type: str


class Escalated(Event, frozen=True, tag="escalated"):
    """A conversation was handed to people.

    `notify` lists who asked to hear of it, as 'recipient by method'.
    """

    reason: str
    queue: str
    priority: str
    rules: tuple[RuleId, ...] = ()
    notify: tuple[str, ...] = ()
    sla_minutes: int | None = None


class Resolved(Event, frozen=True, tag="resolved"):
    """The customer or a person closed the conversation as solved."""

    resolution: str


class Abandoned(Event, frozen=True, tag="abandoned"):
    """The customer was silent for the whole inactivity time."""


class FeedbackGiven(Event, frozen=True, tag="feedback_given"):
    """The customer rated an answer."""

    message: MessageId
    helpful: bool


AnyEvent = ConversationStarted | Answered | Escalated | Resolved | Abandoned | FeedbackGiven
