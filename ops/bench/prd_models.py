"""The PRD's tables (section 6.1) as SQLAlchemy ORM models; those that its message path touches."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DECIMAL, CheckConstraint, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NEW_ID = sql("gen_random_uuid()")
"""For the PRD's uuid_generate_v4(), whose extension the embedded server has not; the same kind of id."""
NOW = sql("CURRENT_TIMESTAMP")


class Base(DeclarativeBase):
    """Tables of the schema `core`."""

    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        Decimal: DECIMAL(4, 3),
    }


class Organization(Base):
    """A tenant."""

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("subscription_tier IN ('free', 'starter', 'professional', 'enterprise')"),
        {"schema": "core"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    name: Mapped[str] = mapped_column(String(255))
    salesforce_org_id: Mapped[str | None] = mapped_column(String(18), unique=True)
    subscription_tier: Mapped[str] = mapped_column(String(50))
    max_conversations_per_month: Mapped[int | None] = mapped_column(server_default="10000")
    max_users: Mapped[int | None] = mapped_column(server_default="100")
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class User(Base):
    """A person of a tenant."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'inactive', 'suspended')"),
        UniqueConstraint("organization_id", "email"),
        {"schema": "core"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("core.organizations.id"), index=True)
    external_id: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255))
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(String(50), server_default="active")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Conversation(Base):
    """A conversation."""

    __tablename__ = "conversations"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("core.organizations.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("core.users.id"))
    channel: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(50), server_default="active")
    priority: Mapped[int | None] = mapped_column(server_default="2")
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_activity_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    resolution_time_seconds: Mapped[int | None]
    message_count: Mapped[int] = mapped_column(server_default="0")
    ai_confidence_avg: Mapped[Decimal | None]
    sentiment_score_avg: Mapped[Decimal | None]
    emotion_trajectory: Mapped[list[Any]] = mapped_column(server_default="[]")
    resolution_type: Mapped[str | None] = mapped_column(String(50))
    escalated: Mapped[bool] = mapped_column(server_default="false")
    escalation_reason: Mapped[str | None] = mapped_column(String(255))
    satisfaction_score: Mapped[Decimal | None] = mapped_column(DECIMAL(2, 1))
    context: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")

    __table_args__ = (
        CheckConstraint("status IN ('active', 'waiting', 'resolved', 'escalated', 'abandoned')"),
        CheckConstraint("channel IN ('web', 'mobile', 'email', 'slack', 'teams', 'api')"),
        Index("idx_conv_user_status", "user_id", "status"),
        Index("idx_conv_org_date", "organization_id", started_at.desc()),
        {"schema": "core"},
    )


class Message(Base):
    """One message."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=NEW_ID)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("core.conversations.id"))
    sender_type: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    intent: Mapped[str | None] = mapped_column(String(100))
    intent_confidence: Mapped[Decimal | None]
    entities: Mapped[list[Any]] = mapped_column(server_default="[]")
    sentiment: Mapped[Decimal | None]
    emotion: Mapped[str | None] = mapped_column(String(50))
    ai_model_used: Mapped[str | None] = mapped_column(String(100))
    processing_time_ms: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        CheckConstraint("sender_type IN ('user', 'ai_agent', 'human_agent', 'system')"),
        Index("idx_messages_conv", "conversation_id", created_at.desc()),
        {"schema": "core"},
    )
