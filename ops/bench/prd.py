"""The customer's own message path: section 8.2 of the PRD re-written small, without its AI.

FastAPI on uvicorn with uvloop, ORM models of the PRD's tables, `ConversationManager.process_message` with
11 statements and three commits. Where the PRD leaves a choice open the cheaper one is taken: its middleware
for errors, limits and authentication is left out, objects do not expire on commit, no tenant is told to
row-level security, and the answer is constant.
Run: python -m ops.bench.prd, with the settings of `casepilot api` in the environment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.schema import CreateSchema

from adapters.postgres.engine import engine
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings, read
from ops.bench.prd_manager import ANSWER, ConversationManager, ConversationRepository
from ops.bench.prd_models import Base, Conversation, Organization, User

OWNER = "postgres"


class ConversationCreate(BaseModel):
    """Body of POST /conversations."""

    user_id: UUID
    channel: str
    metadata: dict[str, Any] = Field(default_factory=dict)


class ConversationOut(BaseModel):
    """The customer's Conversation."""

    id: UUID
    user_id: UUID
    channel: str
    status: str
    created_at: datetime


class Attachment(BaseModel):
    """The customer's Attachment."""

    type: str
    content: str
    mime_type: str = ""


class MessageCreate(BaseModel):
    """Body of POST /conversations/{id}/messages."""

    content: Annotated[str, Field(max_length=5_000)]
    attachments: list[Attachment] = Field(default_factory=list)


class MessageResponse(BaseModel):
    """The customer's MessageResponse."""

    id: UUID
    response: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    intent: str
    suggested_actions: list[str]
    processing_time_ms: int


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """One session a request."""
    async with request.app.state.sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
router = APIRouter()


@router.post("", status_code=201)
async def create_conversation(
    body: ConversationCreate, request: Request, session: Session
) -> ConversationOut:
    """Open a conversation for a user, who is made known first."""
    tenant = request.app.state.organization
    email = f"{body.user_id}@example.com"
    session.add(User(id=body.user_id, organization_id=tenant, external_id=str(body.user_id), email=email))
    await session.flush()
    conversation = Conversation(
        organization_id=tenant,
        user_id=body.user_id,
        channel=body.channel,
        status="active",
        extra=body.metadata,
    )
    session.add(conversation)
    await session.commit()
    return ConversationOut(
        id=conversation.id,
        user_id=body.user_id,
        channel=body.channel,
        status="active",
        created_at=conversation.started_at,
    )


@router.post("/{conversation_id}/messages")
async def send_message(conversation_id: UUID, body: MessageCreate, session: Session) -> MessageResponse:
    """Process a message."""
    began = perf_counter()
    manager = ConversationManager(ConversationRepository(session))
    said = await manager.process_message(conversation_id, body.content)
    return MessageResponse(
        id=said.id,
        response=said.content,
        confidence=ANSWER["confidence"],
        intent=ANSWER["intent"],
        suggested_actions=ANSWER["suggested_actions"],
        processing_time_ms=round((perf_counter() - began) * 1_000),
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The engine, the tables and one tenant, for the life of the server."""
    settings: Settings = app.state.settings
    pool = engine(settings.database_url, OWNER, settings.pool)
    async with pool.begin() as connection:
        await connection.execute(CreateSchema("core"))
        await connection.run_sync(Base.metadata.create_all)
    app.state.sessions = async_sessionmaker(pool, expire_on_commit=False)
    async with app.state.sessions() as opened:
        organization = Organization(name="Bench company", subscription_tier="enterprise")
        opened.add(organization)
        await opened.commit()
        app.state.organization = organization.id
    yield
    await pool.dispose()


def main() -> None:
    """Serve with one worker."""
    settings = read()
    die_with_parent(settings.parent)
    app = FastAPI(title="Salesforce AI Agent API", version="1.0.0", lifespan=lifespan)
    app.state.settings = settings
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["https://example.com"],
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
    app.include_router(router, prefix="/api/v1/conversations", tags=["conversations"])
    uvicorn.run(
        app, host=settings.host, port=settings.port, loop="uvloop", log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
