"""Take a customer's word on an answer."""

from dataclasses import dataclass

from msgspec import Struct

from domain.events import FeedbackGiven
from domain.ids import ConversationId, MessageId
from domain.message import refuse_unstorable
from ports.inbound.close import visible
from ports.outbound.clock import Clock
from ports.outbound.conversations import Rating
from ports.outbound.keys import Principal
from ports.outbound.units import Begin


class GiveFeedback(Struct, frozen=True):
    """Rate an agent's message."""

    by: Principal
    conversation: ConversationId
    message: MessageId
    helpful: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TakeFeedback:
    """Store a rating; the newest one stands. Conversations that are over can be rated too."""

    begin: Begin
    clock: Clock

    async def __call__(self, command: GiveFeedback) -> None:
        """Raises `NotFoundError`, `ContentError`, `Unavailable`."""
        refuse_unstorable(command.comment, "comment")
        now = self.clock.now()
        async with self.begin(command.by.organization) as unit:
            visible(await unit.conversations.get(command.conversation), command.by)
            rating = Rating(command.helpful, command.comment, now)
            await unit.transcripts.rate(command.conversation, command.message, rating)
            event = FeedbackGiven(command.conversation, now, message=command.message, helpful=command.helpful)
            await unit.transcripts.record(event)
            await unit.commit()
