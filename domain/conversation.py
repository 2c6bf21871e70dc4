"""The conversation aggregate: its states and what may follow what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from domain.dialogue import Context
from domain.errors import TransitionError
from domain.events import Abandoned, Answered, AnyEvent, ConversationStarted, Escalated, Resolved
from domain.ids import ConversationId, OrganizationId, UserId
from domain.message import Message, counts

TIERS = ("free", "starter", "professional", "enterprise")


class Status(StrEnum):
    """The customer's five states."""

    ACTIVE = "active"
    WAITING = "waiting"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    ABANDONED = "abandoned"


class Channel(StrEnum):
    """Where a conversation takes place."""

    WEB = "web"
    MOBILE = "mobile"
    EMAIL = "email"
    SLACK = "slack"
    TEAMS = "teams"
    API = "api"


TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.ACTIVE: frozenset({Status.WAITING, Status.ESCALATED, Status.RESOLVED, Status.ABANDONED}),
        Status.WAITING: frozenset({Status.WAITING, Status.ACTIVE, Status.ESCALATED, Status.RESOLVED}),
        Status.ESCALATED: frozenset({Status.ESCALATED, Status.RESOLVED}),
        Status.RESOLVED: frozenset(),
        Status.ABANDONED: frozenset(),
    }
)
"""What may follow what.

A waiting conversation has an unanswered message, so it is answered, never abandoned.
"""

AFTER_HEARING: Mapping[Status, Status] = MappingProxyType(
    {
        status: Status.ESCALATED if status is Status.ESCALATED else Status.WAITING
        for status, following in TRANSITIONS.items()
        if following & {Status.WAITING} or status is Status.ESCALATED
    }
)
"""The status after a customer's message, for the states that can hear one at all."""

OPEN = frozenset(AFTER_HEARING)
"""States in which the conversation goes on."""


class Handoff(Struct, frozen=True):
    """Why and where people take over.

    `sla_minutes` is the first-response target the rules asked for, `due` when it runs out. `draft` is an
    answer that a person has to approve first; the customer has not seen it.
    """

    reason: str
    queue: str = "support"
    priority: str = "normal"
    rules: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    sla_minutes: int | None = None
    due: datetime | None = None
    draft: str = ""


@dataclass(slots=True)
class Conversation:
    """One customer, one channel, one matter. `version` changes with every write; writers check it.

    `recent_contacts` is how many conversations the customer had begun in the 30 days before this one.
    """

    id: ConversationId
    organization: OrganizationId
    user: UserId
    channel: Channel
    started_at: datetime
    last_activity_at: datetime
    status: Status = Status.ACTIVE
    ended_at: datetime | None = None
    message_count: int = 0
    unanswered: int = 0
    context: Context = field(default_factory=Context)
    metadata: Mapping[str, object] = field(default_factory=dict)
    handoff: Handoff | None = None
    resolution: str | None = None
    version: int = 0
    recent_contacts: int = 0
    events: list[AnyEvent] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        conversation: ConversationId,
        organization: OrganizationId,
        user: UserId,
        channel: Channel,
        *,
        greeting: Message,
        metadata: Mapping[str, object],
    ) -> Self:
        """Open a conversation and greet; the greeting is a system message, so it does not count."""
        opened = cls(conversation, organization, user, channel, greeting.at, greeting.at, metadata=metadata)
        opened.said.append(greeting)
        opened.events.append(ConversationStarted(conversation, greeting.at))
        return opened

    def hear(self, message: Message) -> None:
        """Take a customer's message: from here on it is owed an answer.

        Raises `TransitionError` (`conversation_resolved`, `conversation_abandoned`) when the conversation
        is over.
        """
        following = AFTER_HEARING.get(self.status)
        if following is None:
            raise over(self.status)
        self.status = following
        self.unanswered += 1
        self._say(message)

    def answer(self, reply: Message, *, response_type: str, context: Context) -> None:
        """Answer the oldest claim on us; the conversation is active again once nothing is unanswered.

        Raises `TransitionError` when a person has taken over or it is over: the AI is then silent.
        """
        if self.status is Status.ESCALATED:
            raise TransitionError(
                "conversation_escalated", "A person has this conversation; the AI stays silent."
            )
        self._settle()
        self._move(Status.WAITING if self.unanswered else Status.ACTIVE, reply.at)
        self.context = context
        self._say(reply)
        self.events.append(
            Answered(self.id, reply.at, message=reply.in_reply_to or reply.id, response_type=response_type)
        )

    def acknowledge(self, notice: Message) -> None:
        """Tell the customer that people will read what they added.

        Only while escalated; says nothing of its own.
        """
        if self.status is not Status.ESCALATED:
            raise TransitionError("conversation_not_escalated", "Nobody has taken this conversation over.")
        self._settle()
        self._say(notice)

    def escalate(self, handoff: Handoff, at: datetime, *, notice: Message | None = None) -> None:
        """Hand over to people, once; doing it again only says the notice."""
        already = self.status is Status.ESCALATED
        if not already:
            self._move(Status.ESCALATED, at)
        if notice is not None:
            self._settle()
            self._say(notice)
        if already:
            return
        minutes = handoff.sla_minutes
        self.handoff = replace(handoff, due=None if minutes is None else at + timedelta(minutes=minutes))
        self.events.append(
            Escalated(
                self.id,
                at,
                reason=handoff.reason,
                queue=handoff.queue,
                priority=handoff.priority,
                rules=tuple(handoff.rules),  # type: ignore[arg-type]  # rule ids travel as plain text here
                notify=handoff.notify,
                sla_minutes=handoff.sla_minutes,
            )
        )

    def tell(self, notice: Message) -> None:
        """Say something that answers no message, like that a person was asked for."""
        self._say(notice)

    def resolve(self, resolution: str, at: datetime) -> None:
        """Close as solved, once. `resolution` is 'automated', 'human' or 'customer'."""
        if self.status is Status.RESOLVED:
            return
        self._move(Status.RESOLVED, at)
        self.ended_at, self.resolution, self.unanswered = at, resolution, 0
        self.events.append(Resolved(self.id, at, resolution=resolution))

    def abandon(self, at: datetime, *, after: timedelta) -> bool:
        """Close a conversation whose customer was silent for `after`; False when it is not so (any more)."""
        if self.status is not Status.ACTIVE or at - self.last_activity_at < after:
            return False
        self._move(Status.ABANDONED, self.last_activity_at)
        self.ended_at = at
        self.context = Context()
        self.events.append(Abandoned(self.id, at))
        return True

    def _move(self, to: Status, at: datetime) -> None:
        following = TRANSITIONS[self.status]
        if to not in following and not (to is self.status and following):
            raise over(self.status)
        self.status = to
        self.last_activity_at = max(self.last_activity_at, at)

    def _settle(self) -> None:
        self.unanswered = max(0, self.unanswered - 1)

    def _say(self, message: Message) -> None:
        self.said.append(message)
        self.message_count += counts(message)
        self.last_activity_at = max(self.last_activity_at, message.at)


def over(status: Status) -> TransitionError:
    """The error for anything asked of a conversation that `status` does not allow."""
    return TransitionError(
        f"conversation_{status}",
        f"The conversation is {status}. Start a new one to go on."
        if status in {Status.RESOLVED, Status.ABANDONED}
        else f"A conversation that is {status} cannot do this.",
        {"status": status},
    )
