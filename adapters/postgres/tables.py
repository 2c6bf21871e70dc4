"""The tables that units of work speak to, as SQLAlchemy Core sees them.

The schema itself is in the migrations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

core = MetaData(schema="core")
ai = MetaData(schema="ai")

organizations = Table(
    "organizations",
    core,
    Column("id", Uuid, primary_key=True),
    Column("name", Text),
    Column("subscription_tier", Text),
    Column("settings", JSONB),
    Column("active_ruleset", Text),
    Column("knowledge_version", Integer),
    Column("intent_model", Text),
    Column("vocabulary", Text),
)

users = Table(
    "users",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("external_id", Text),
)

conversations = Table(
    "conversations",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid),
    Column("channel", Text),
    Column("status", Text),
    Column("started_at", DateTime(timezone=True)),
    Column("last_activity_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("message_count", Integer),
    Column("unanswered", Integer),
    Column("resolution_type", Text),
    Column("escalated", Boolean),
    Column("escalation_reason", Text),
    Column("handoff", JSONB(none_as_null=True)),
    Column("context", JSONB),
    Column("metadata", JSONB),
    Column("recent_contacts", Integer),
    Column("version", Integer),
)

messages = Table(
    "messages",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("conversation_id", Uuid),
    Column("seq", Integer),
    Column("sender_type", Text),
    Column("kind", Text),
    Column("content", Text),
    Column("attachments", JSONB),
    Column("in_reply_to", Uuid),
    Column("created_at", DateTime(timezone=True)),
)

feedback = Table(
    "feedback",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid),
    Column("helpful", Boolean),
    Column("comment", Text),
    Column("created_at", DateTime(timezone=True)),
)

outbox = Table("outbox", core, Column("organization_id", Uuid), Column("event", JSONB))

rule_sets = Table(
    "rule_sets",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("source", LargeBinary),
    Column("author", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("parent", Text),
    Column("state", Text),
    Column("approver", Text),
    Column("note", Text),
    Column("analysis", JSONB(none_as_null=True)),
    Column("published_at", DateTime(timezone=True)),
    Column("rehearsal", JSONB(none_as_null=True)),
)

trials = Table(
    "trials",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("candidate", Text),
    Column("percent", Integer),
    Column("bound", Double),
    Column("actor", Text),
    Column("started_at", DateTime(timezone=True)),
    Column("checked_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("ending", Text),
)

rehearsals = Table(
    "rehearsals",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("actor", Text),
    Column("document", LargeBinary),
    Column("since", DateTime(timezone=True)),
    Column("staffing", JSONB),
    Column("state", Text),
    Column("turns", Integer),
    Column("report", JSONB(none_as_null=True)),
    Column("error", Text),
    Column("created_at", DateTime(timezone=True)),
)

rule_drafts = Table(
    "rule_drafts",
    core,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("title", Text),
    Column("document", LargeBinary),
    Column("parent", Text),
    Column("author", Text),
    Column("version", Integer),
    Column("updated_at", DateTime(timezone=True)),
)

entries = Table(
    "entries",
    MetaData(schema="audit"),
    Column("organization_id", Uuid, primary_key=True),
    Column("id", BigInteger),
    Column("at", DateTime(timezone=True)),
    Column("actor", Text),
    Column("action", Text),
    Column("subject", Text),
    Column("details", JSONB),
)

turns = Table(
    "turns",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("reply_id", Uuid, primary_key=True),
    Column("heard_id", Uuid),
    Column("answer", JSONB),
    Column("created_at", DateTime(timezone=True)),
    Column("trial", Uuid),
    Column("beside", JSONB(none_as_null=True)),
)

knowledge_entries = Table(
    "knowledge_entries",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("category", Text),
    Column("product", Text),
    Column("title", Text),
    Column("content", Text),
    Column("api_versions", Text),
    Column("error_codes", ARRAY(Text)),
    Column("sources", ARRAY(Text)),
    Column("content_hash", Text),
    Column("version", Text),
    Column("language", Text),
    Column("audience", Text),
    Column("access_groups", ARRAY(Text)),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("flags", ARRAY(Text)),
    Column("asked", ARRAY(Text)),
    Column("changed_in", Integer),
    Column("confidence_score", Numeric(4, 3, asdecimal=False)),
    Column("usage_count", Integer),
    Column("success_count", Integer),
    Column("failure_count", Integer),
    Column("updated_at", DateTime(timezone=True)),
)

intents = Table(
    "intents",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("document", JSONB),
    Column("updated_at", DateTime(timezone=True)),
)

trainings = Table(
    "trainings",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("actor", Text),
    Column("state", Text),
    Column("report", JSONB(none_as_null=True)),
    Column("error", Text),
    Column("created_at", DateTime(timezone=True)),
)

vocabularies = Table(
    "vocabularies",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("document", LargeBinary),
    Column("updated_at", DateTime(timezone=True)),
)

intent_models = Table(
    "intent_models",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("data", LargeBinary),
    Column("created_at", DateTime(timezone=True)),
)

proposals = Table(
    "proposals",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("key", Text),
    Column("title", Text),
    Column("body", Text),
    Column("detail", JSONB),
    Column("state", Text),
    Column("decided_by", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
)

removed_articles = Table(
    "removed_articles",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("article_id", Text, primary_key=True),
    Column("removed_in", Integer),
)

passages = Table(
    "passages",
    ai,
    Column("organization_id", Uuid, primary_key=True),
    Column("article_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("heading", Text),
    Column("body", Text),
    Column("anchor", Text),
    Column("digest", Text),
)
