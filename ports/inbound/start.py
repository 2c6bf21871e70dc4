"""Open a conversation, or return the one that the user has open on that channel."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from domain.conversation import Channel, Conversation
from domain.ids import ConversationId, MessageId, OrganizationId, UserId
from domain.message import Message, Sender
from domain.texts import Catalogue
from ports.errors import Conflict
from ports.outbound.clock import Clock, Ids
from ports.outbound.units import Begin


class Start(Struct, frozen=True):
    """Open a conversation for a user on a channel."""

    organization: OrganizationId
    user: UserId
    channel: Channel
    metadata: Mapping[str, object] = {}


class Started(Struct, frozen=True):
    """The conversation, and whether it is new."""

    conversation: Conversation
    new: bool


@dataclass(frozen=True, slots=True)
class StartConversation:
    """One open conversation a user and channel, greeted once."""

    begin: Begin
    clock: Clock
    ids: Ids
    texts: Catalogue

    async def __call__(self, command: Start) -> Started:
        """Raises `Unavailable` when the database is down."""
        try:
            return await self._start(command)
        except Conflict:  # somebody opened the same conversation at the same moment: return theirs
            return await self._start(command)

    async def _start(self, command: Start) -> Started:
        async with self.begin(command.organization) as unit:
            existing = await unit.conversations.find_open(command.user, command.channel)
            if existing is not None:
                return Started(existing, new=False)
            await unit.members.welcome(command.user)
            conversation = Conversation.start(
                ConversationId(self.ids.fresh()),
                command.organization,
                command.user,
                command.channel,
                greeting=self._greeting(command.metadata.get("language")),
                metadata=command.metadata,
            )
            await unit.conversations.save(conversation)
            await unit.commit()
        return Started(conversation, new=True)

    def _greeting(self, language: object) -> Message:
        text = self.texts.of(language).greeting
        return Message(MessageId(self.ids.fresh()), Sender.SYSTEM, text, self.clock.now(), kind="greeting")
