"""Resolve a conversation, or hand it to people, because somebody asked for it."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from domain.conversation import Conversation, Handoff, Status
from domain.errors import NotFoundError
from domain.ids import ConversationId, MessageId
from domain.message import Message, Sender
from domain.texts import Catalogue
from ports.errors import Conflict
from ports.outbound.clock import Clock, Ids
from ports.outbound.keys import Principal
from ports.outbound.units import Begin

MAX_DECISIONS = 50


class Resolve(Struct, frozen=True):
    """Close as solved. `resolution` is 'automated', 'human' or 'customer'; None: by whoever asks."""

    by: Principal
    conversation: ConversationId
    resolution: str | None = None


class Escalate(Struct, frozen=True):
    """Hand over to people."""

    by: Principal
    conversation: ConversationId
    reason: str = ""
    queue: str = "support"
    priority: str = "normal"


def visible(conversation: Conversation, by: Principal) -> Conversation:
    """The conversation, or `NotFoundError` when it is somebody else's."""
    if not by.may_see(conversation.user):
        raise NotFoundError("conversation")
    return conversation


async def change(
    begin: Begin, by: Principal, conversation: ConversationId, decide: Callable[[Conversation], None]
) -> Conversation:
    """Load, decide, save; again when somebody was faster. Raises what `decide` raises, at last `Conflict`."""
    for _ in range(MAX_DECISIONS):
        try:
            async with begin(by.organization) as unit:
                found = visible(await unit.conversations.get(conversation), by)
                decide(found)
                await unit.conversations.save(found)
                await unit.commit()
        except Conflict:
            continue
        return found
    raise Conflict("The conversation keeps changing; try again.")


@dataclass(frozen=True, slots=True)
class ResolveConversation:
    """Close a conversation, once."""

    begin: Begin
    clock: Clock

    async def __call__(self, command: Resolve) -> Conversation:
        """Raises `NotFoundError`, `TransitionError`, `Unavailable`."""

        def decide(conversation: Conversation) -> None:
            escalated = conversation.status is Status.ESCALATED
            default = "human" if escalated else "automated"
            conversation.resolve(command.resolution or default, self.clock.now())

        return await change(self.begin, command.by, command.conversation, decide)


@dataclass(frozen=True, slots=True)
class EscalateConversation:
    """Hand a conversation over to people, once, and tell the customer."""

    begin: Begin
    clock: Clock
    ids: Ids
    texts: Catalogue

    async def __call__(self, command: Escalate) -> Conversation:
        """Raises `NotFoundError`, `TransitionError`, `Unavailable`."""

        def decide(conversation: Conversation) -> None:
            if conversation.status is Status.ESCALATED:
                return
            now = self.clock.now()
            text = self.texts.of(conversation.context.language, conversation.metadata.get("language")).handoff
            notice = Message(MessageId(self.ids.fresh()), Sender.SYSTEM, text, now, kind="escalated")
            reason = command.reason or "The customer asked for a person."
            conversation.tell(notice)
            conversation.escalate(Handoff(reason, command.queue, command.priority), now)

        return await change(self.begin, command.by, command.conversation, decide)
