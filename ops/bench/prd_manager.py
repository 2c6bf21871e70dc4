"""The PRD's conversation manager (section 8.2.2) and the repository that it implies, without the AI."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ops.bench.prd_models import Conversation, Message

RECENT = 10
"""Messages that the AI would see."""
ANSWER: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("answer.json").read_bytes())
CONFIDENCE = Decimal(str(ANSWER["confidence"]))


class ConversationRepository:
    """Conversations and messages in one session."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, conversation_id: UUID) -> Conversation | None:
        """The conversation, if there is one."""
        query = select(Conversation).where(Conversation.id == conversation_id)
        return (await self.session.execute(query)).scalar_one_or_none()

    async def update(self, _: Conversation) -> None:
        """Write what changed."""
        await self.session.flush()

    async def commit(self) -> None:
        """End the transaction."""
        await self.session.commit()

    async def get_messages(self, conversation_id: UUID, limit: int) -> Sequence[Message]:
        """The newest messages."""
        query = (
            select(Message)
            .where(Message.conversation_id == conversation_id)
            .order_by(Message.created_at.desc())
            .limit(limit)
        )
        return (await self.session.execute(query)).scalars().all()

    async def create_message(
        self,
        conversation: Conversation,
        content: str,
        sender_type: str,
        metadata: Mapping[str, Any],
    ) -> Message:
        """Store a message and count it."""
        message = Message(
            conversation_id=conversation.id, content=content, sender_type=sender_type, **metadata
        )
        self.session.add(message)
        conversation.message_count += 1
        conversation.last_activity_at = datetime.now(UTC)
        await self.session.flush()
        return message


class ConversationManager:
    """PRD 8.2.2, with its state machine and context manager in line."""

    def __init__(self, repository: ConversationRepository) -> None:
        self.repo = repository

    async def process_message(self, conversation_id: UUID, content: str) -> Message:
        """Answer a message. Commits when waiting, when the message is safe, and when it is answered."""
        conversation = await self.repo.get(conversation_id)
        if conversation is None:
            raise HTTPException(404, "Conversation not found")
        await self._transition(conversation, "waiting")
        await self.repo.commit()
        await self._context(conversation_id)
        await self.repo.get_messages(conversation_id, RECENT)
        user_message = await self.repo.create_message(conversation, content, "user", {})
        await self.repo.commit()
        ai_message = await self.repo.create_message(
            conversation,
            ANSWER["response"],
            "ai_agent",
            {"intent": ANSWER["intent"], "intent_confidence": CONFIDENCE, "ai_model_used": "constant"},
        )
        await self._update_context(conversation, user_message, ai_message)
        await self._transition(conversation, "active")
        await self.repo.commit()
        return ai_message

    async def _transition(self, conversation: Conversation, status: str) -> None:
        conversation.status = status
        await self.repo.update(conversation)

    async def _context(self, conversation_id: UUID) -> dict[str, Any]:
        query = select(Conversation.context).where(Conversation.id == conversation_id)
        context: dict[str, Any] = (await self.repo.session.execute(query)).scalar_one()
        return context

    async def _update_context(self, conversation: Conversation, heard: Message, said: Message) -> None:
        context = await self._context(conversation.id)
        conversation.context = {**context, "last": [str(heard.id), str(said.id)], "intent": said.intent}
        await self.repo.update(conversation)
