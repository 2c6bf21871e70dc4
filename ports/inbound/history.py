"""Reading conversations and their transcripts."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.conversation import Conversation
from domain.ids import ConversationId, MessageId
from ports.inbound.close import visible
from ports.outbound.conversations import ConversationFilter, Said
from ports.outbound.keys import Principal
from ports.outbound.units import Begin


class ReadTranscript(Struct, frozen=True):
    """A page of a conversation's messages, in order."""

    by: Principal
    conversation: ConversationId
    after: MessageId | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ReadConversations:
    """What a caller may see: their own, or the tenant's for agents."""

    begin: Begin

    async def one(self, by: Principal, conversation: ConversationId) -> Conversation:
        """Raises `NotFoundError`, `Unavailable`."""
        async with self.begin(by.organization) as unit:
            return visible(await unit.conversations.get(conversation), by)

    async def page(self, by: Principal, wanted: ConversationFilter) -> Sequence[Conversation]:
        """A page, newest first; a customer's filter is narrowed to themselves."""
        if by.user is not None and not by.may_see_all:
            wanted = msgspec.structs.replace(wanted, user=by.user)
        async with self.begin(by.organization) as unit:
            return await unit.conversations.page(wanted)

    async def transcript(self, query: ReadTranscript) -> Sequence[Said]:
        """Messages with the answers' reasons. Raises `NotFoundError`, `Unavailable`."""
        async with self.begin(query.by.organization) as unit:
            visible(await unit.conversations.get(query.conversation), query.by)
            return await unit.transcripts.page(query.conversation, query.after, query.limit)
