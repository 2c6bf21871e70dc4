"""The facts of one turn, as rules see them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from domain.calendar import Calendar
from domain.clarify import Facet
from domain.confidence import Thresholds, relevance
from domain.conversation import Conversation
from domain.dialogue import Asking, Move
from domain.message import Message
from domain.nlu.cues import Cues
from domain.nlu.entities import EntityType
from domain.nlu.intents import Intent
from domain.nlu.sentiment import ASPECTS
from domain.nlu.understanding import Understanding
from domain.policy import AnswerPolicy
from domain.retrieval.asked import Abbreviations
from domain.retrieval.passages import Hit
from domain.retrieval.scope import Scope
from domain.rules.asking import told
from domain.rules.facts import Fact, Facts, FactValue, Schema, fits
from domain.salesforce.checking import Checker, nothing_found
from domain.salesforce.pasted import Look, nothing_seen
from domain.texts import Catalogue
from domain.versions import named

ACCESS_GROUPS = "access_groups"
"""Metadata that says which restricted knowledge the customer may read; customers cannot set it."""


class Brain(Struct, frozen=True):
    """What planning needs that does not change from turn to turn."""

    intents: Mapping[str, Intent]
    cues: Cues
    texts: Catalogue
    thresholds: Thresholds
    calendar: Calendar
    abbreviations: Abbreviations
    facets: tuple[Facet, ...] = ()
    check: Checker = nothing_found
    people: frozenset[str] = frozenset()
    look: Look = nothing_seen


class Heard(Struct, frozen=True):
    """One message in its conversation, thought about `at` a time. `question` is the text searched for.

    `calendar` is the tenant's own, if it has one; `move` what the message is to the talk before it,
    `policy` what the tenant allows of answers.
    """

    conversation: Conversation
    message: Message
    question: str
    tier: str
    at: datetime
    calendar: Calendar | None = None
    move: Move = Move.QUESTION
    policy: AnswerPolicy = AnswerPolicy()

    @property
    def whole(self) -> str:
        """The message, with the one before it when it answers a question of ours."""
        return self.conversation.context.whole(self.message)

    @property
    def answers(self) -> Asking | None:
        """Our question that the message answers, if it does."""
        return self.conversation.context.answered_by(self.message)


def facts_for(
    heard: Heard,
    understood: Understanding,
    hits: tuple[Hit, ...],
    signals: tuple[str, ...],
    brain: Brain,
    schema: Schema,
    answer_confidence: float | None = None,
) -> Facts:
    """The facts of this turn. `now` is among them, so a replay decides alike."""
    text, conversation = heard.whole, heard.conversation
    intent = brain.intents.get(understood.intent_name)
    facts: dict[str, FactValue] = {
        "sentiment_score": understood.sentiment.score,
        **{f"sentiment_{aspect}": understood.sentiment.aspects.get(aspect) for aspect in ASPECTS},
        "emotion": understood.sentiment.emotion,
        "emotion_intensity": understood.sentiment.intensity,
        "intent": understood.intent_name,
        "intent_confidence": understood.intent.confidence,
        "issue_type": brain.cues.issue_type(text) or (intent.issue_type if intent else "other"),
        "signals": signals,
        "customer_tier": heard.tier,
        "language": understood.language.code,
        "message_text": text,
        "message_length": len(heard.message.content),
        "retrieval_confidence": round(relevance(hits[0] if hits else None, brain.thresholds), 3),
        "answer_confidence": answer_confidence,
        "knowledge_category": hits[0].passage.category if hits else None,
        "error_codes": _named(understood, EntityType.ERROR),
        "salesforce_objects": _named(understood, EntityType.SALESFORCE_OBJECT),
        "products": _named(understood, EntityType.PRODUCT),
        "has_code": any(e.type is EntityType.CODE for e in understood.entities),
        "has_attachments": bool(heard.message.attachments),
        **_conversation_facts(conversation, heard, understood),
        **_clock_facts(heard.at, heard.calendar or brain.calendar),
    }
    return facts | own_facts(heard, schema)


def scope_of(heard: Heard, usual: Calendar) -> Scope:
    """What this customer may be told today, and the API version that the question is about."""
    groups = heard.conversation.metadata.get(ACCESS_GROUPS)
    return Scope(
        (heard.calendar or usual).local(heard.at).date(),
        frozenset(one for one in groups if isinstance(one, str)) if isinstance(groups, list) else frozenset(),
        api_version=named(heard.whole) or named(heard.question),
    )


def own_facts(heard: Heard, schema: Schema) -> dict[str, FactValue]:
    """The tenant's own facts: from metadata, else what the customer said when asked."""
    told_ = told_by(heard, schema.facts)
    found = {fact.name: _from_metadata(fact, heard.conversation) for fact in schema.from_metadata}
    return {name: told_.get(name) if value is None else value for name, value in found.items()}


def told_by(heard: Heard, schema: Mapping[str, Fact]) -> Mapping[str, FactValue]:
    """The facts that the customer gave when asked, with the one that this message answers."""
    context, answers = heard.conversation.context, heard.answers
    asked = schema.get(answers.fact) if answers else None
    return context.told if asked is None else {**context.told, asked.name: told(asked, heard.message.content)}


def _conversation_facts(conversation: Conversation, heard: Heard, understood: Understanding) -> Facts:
    history, handoff = conversation.context.sentiment, conversation.handoff
    due = handoff.due if handoff else None
    return {
        "channel": conversation.channel.value,
        "message_count": conversation.message_count,
        "contacts_30_days": conversation.recent_contacts,
        "failed_turns": conversation.context.unanswered_in_a_row,
        "intent_repeats": conversation.context.repeats(understood.intent_name),
        "sentiment_trend": round(understood.sentiment.score - history[0], 3) if history else None,
        "conversation_minutes": _minutes(conversation.started_at, heard.at),
        "minutes_waiting": _minutes(heard.message.at, heard.at),
        "sla_minutes_left": None if due is None else round((due - heard.at).total_seconds() / 60, 2),
    }


def _clock_facts(at: datetime, calendar: Calendar) -> Facts:
    local = calendar.local(at)
    return {
        "now": at.isoformat(),
        "hour_utc": at.astimezone(UTC).hour,
        "local_hour": local.hour,
        "weekday": local.isoweekday(),
        "business_hours": calendar.is_open(at),
    }


def _from_metadata(fact: Fact, conversation: Conversation) -> FactValue:
    """The value at 'metadata.name' or 'salesforce.Object.Field'; None where it is not of the fact's kind."""
    value: object = {**conversation.metadata, "metadata": conversation.metadata}
    for step in fact.source.split(".", 1):
        value = value.get(step) if isinstance(value, Mapping) else None
    return msgspec.convert(value, FactValue) if fits(fact.kind, value) else None


def _named(understood: Understanding, kind: EntityType) -> tuple[str, ...]:
    return tuple(entity.value for entity in understood.entities if entity.type is kind)


def _minutes(since: datetime, until: datetime) -> float:
    return max(0.0, round((until - since).total_seconds() / 60, 2))
