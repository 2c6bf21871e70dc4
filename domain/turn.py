"""Planning one turn: from what was heard, understood and found to what is said and why. A pure decision."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from domain.answer import FENCES, Citation, Draft, judge, write
from domain.calendar import Calendar
from domain.confidence import Confidence, Thresholds, confidence, relevance
from domain.conversation import Context, Conversation, Handoff, Status
from domain.escalation import handoff_for
from domain.ids import ContentHash
from domain.message import Message
from domain.nlu.cues import Cues
from domain.nlu.entities import EntityType
from domain.nlu.intents import ACT_ABOVE, Intent
from domain.nlu.text import terms, tokens
from domain.nlu.understanding import Understanding
from domain.retrieval.chunking import is_numbered
from domain.retrieval.passages import Hit
from domain.rules.facts import Fact, Facts, FactValue, Schema, fits
from domain.rules.ruleset import Decision, RuleSet
from domain.texts import Texts

SMALL_TALK = {"greeting": "hello_again", "thanks_goodbye": "closing"}
"""Intents answered by a fixed text."""
MAX_SMALL_TALK_TERMS = 3


class ResponseType(StrEnum):
    """The customer's response types."""

    INFORMATIONAL = "informational"
    INSTRUCTIONAL = "instructional"
    TECHNICAL = "technical"
    CLARIFICATION = "clarification"
    ESCALATION = "escalation"


class Outcome(StrEnum):
    """What became of the turn."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    DECLINED = "declined"
    ESCALATED = "escalated"
    SMALL_TALK = "small_talk"
    ACKNOWLEDGED = "acknowledged"


class Brain(Struct, frozen=True):
    """What planning needs that does not change from turn to turn."""

    intents: Mapping[str, Intent]
    cues: Cues
    texts: Texts
    thresholds: Thresholds
    calendar: Calendar


class Heard(Struct, frozen=True):
    """One message in its conversation, thought about `at` a time. `question` is the text searched for."""

    conversation: Conversation
    message: Message
    question: str
    tier: str
    at: datetime


class Considered(Struct, frozen=True):
    """A passage that was weighed for the answer."""

    passage_id: str
    title: str
    score: float
    bm25: float
    cosine: float
    coverage: float


class Why(Struct, frozen=True):
    """Every reason of a turn, stored with it and shown."""

    outcome: Outcome
    route: str
    question: str
    confidence: Confidence
    facts: Mapping[str, object]
    rules: Decision | None
    passages: tuple[Considered, ...]
    ruleset: ContentHash


class Plan(Struct, frozen=True):
    """What to say, and why. `handoff` is set when people take over."""

    text: str
    response_type: ResponseType
    confidence: float
    citations: tuple[Citation, ...]
    suggested_actions: tuple[str, ...]
    handoff: Handoff | None
    context: Context
    why: Why

    @property
    def answered(self) -> bool:
        """Whether the customer got what they asked for."""
        return self.why.outcome in {Outcome.ANSWERED, Outcome.SMALL_TALK}


def facts_for(
    heard: Heard,
    understood: Understanding,
    hits: tuple[Hit, ...],
    signals: tuple[str, ...],
    brain: Brain,
    schema: Schema,
) -> Facts:
    """The facts of this turn. `now` is among them, so a replay decides alike."""
    text, conversation = heard.message.content, heard.conversation
    intent = brain.intents.get(understood.intent_name)
    return {
        "sentiment_score": understood.sentiment.score,
        "emotion": understood.sentiment.emotion,
        "emotion_intensity": understood.sentiment.intensity,
        "intent": understood.intent_name,
        "intent_confidence": understood.intent.confidence,
        "issue_type": brain.cues.issue_type(text) or (intent.issue_type if intent else "other"),
        "signals": signals,
        "customer_tier": heard.tier,
        "language": understood.language.code,
        "message_text": text,
        "message_length": len(text),
        "retrieval_confidence": round(relevance(hits[0] if hits else None, brain.thresholds), 3),
        "knowledge_category": hits[0].passage.category if hits else None,
        "error_codes": _named(understood, EntityType.ERROR),
        "salesforce_objects": _named(understood, EntityType.SALESFORCE_OBJECT),
        "products": _named(understood, EntityType.PRODUCT),
        "has_code": any(e.type is EntityType.CODE for e in understood.entities),
        "has_attachments": bool(heard.message.attachments),
        **_conversation_facts(conversation, heard, understood),
        **_clock_facts(heard.at, brain.calendar),
        **{fact.name: _from_metadata(fact, conversation) for fact in schema.from_metadata},
    }


def _conversation_facts(conversation: Conversation, heard: Heard, understood: Understanding) -> Facts:
    history, handoff = conversation.context.sentiment, conversation.handoff
    due = handoff.due if handoff else None
    return {
        "channel": conversation.channel.value,
        "message_count": conversation.message_count,
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


def plan_turn(
    heard: Heard, understood: Understanding, hits: tuple[Hit, ...], rules: RuleSet, brain: Brain
) -> Plan:
    """Decide what to say to one message."""
    signals = brain.cues.signals(heard.message.content)
    facts = facts_for(heard, understood, hits, signals, brain, rules.schema)
    decision = rules.decide(facts)
    turn = _Turn(heard, understood, hits, facts, decision, rules.hash, brain)
    if heard.conversation.status is Status.ESCALATED:
        return turn.acknowledge()
    handoff = handoff_for(decision, understood, signals)
    if handoff is not None:
        return turn.escalate(handoff)
    if turn.is_small_talk():
        return turn.small_talk()
    if relevance(hits[0] if hits else None, brain.thresholds) >= brain.thresholds.floor:
        return turn.answer()
    return turn.ask()


class _Turn:
    """The parts of one turn, and one method for each way it can end."""

    def __init__(
        self,
        heard: Heard,
        understood: Understanding,
        hits: tuple[Hit, ...],
        facts: Facts,
        decision: Decision,
        ruleset: ContentHash,
        brain: Brain,
    ) -> None:
        self.heard, self.understood, self.hits = heard, understood, hits
        self.facts, self.decision, self.ruleset = facts, decision, ruleset
        self.brain, self.texts = brain, brain.texts
        self.intent = brain.intents.get(understood.intent_name)

    def acknowledge(self) -> Plan:
        return self._plan(Outcome.ACKNOWLEDGED, ResponseType.ESCALATION, self.texts.acknowledged)

    def escalate(self, handoff: Handoff) -> Plan:
        minutes = handoff.sla_minutes
        text = self.texts.handoff_within.format(minutes=minutes) if minutes else self.texts.handoff
        return self._plan(Outcome.ESCALATED, ResponseType.ESCALATION, text, handoff=handoff)

    def is_small_talk(self) -> bool:
        guess = self.understood.intent
        few = len(set(terms(self.heard.message.content))) <= MAX_SMALL_TALK_TERMS
        return few and self.understood.intent_name in SMALL_TALK and guess.confidence >= ACT_ABOVE

    def small_talk(self) -> Plan:
        text: str = getattr(self.texts, SMALL_TALK[self.understood.intent_name])
        return self._plan(Outcome.SMALL_TALK, ResponseType.INFORMATIONAL, text)

    def answer(self) -> Plan:
        article, hint = self.hits[0].passage.article, self.brain.thresholds.hint
        relevant = [
            h
            for h in self.hits
            if h.passage.article == article or relevance(h, self.brain.thresholds) >= hint
        ]
        wanted = self.intent.response_type if self.intent else ""
        steps = wanted == ResponseType.INSTRUCTIONAL or "how" in tokens(self.heard.question)
        draft = write(
            self.heard.question, relevant, wants_steps=steps, wants_code=wanted == ResponseType.TECHNICAL
        )
        judged, support = judge(draft, [h.passage for h in relevant])
        if not judged.paragraphs:
            return self.ask()
        parts = confidence(relevant[0], support, self.brain.thresholds)
        return self._plan(Outcome.ANSWERED, self._type_of(judged), judged.text, parts=parts, draft=judged)

    def ask(self) -> Plan:
        """One good clarifying question, or a polite no; from the second time on a person is offered too."""
        best = self.hits[0] if self.hits else None
        if self.intent is not None and self.intent.clarify:
            outcome, text = Outcome.CLARIFIED, self.texts.clarify.format(question=self.intent.clarify)
        elif best is not None and relevance(best, self.brain.thresholds) >= self.brain.thresholds.hint:
            outcome, text = Outcome.CLARIFIED, self.texts.did_you_mean.format(topic=best.passage.title)
        else:
            outcome, text = Outcome.DECLINED, self.texts.decline
        if self.heard.conversation.context.unanswered_in_a_row:
            text = f"{text}\n\n{self.texts.offer_person}"
        return self._plan(outcome, ResponseType.CLARIFICATION, text)

    def _type_of(self, draft: Draft) -> ResponseType:
        said = [statement.text for paragraph in draft.paragraphs for statement in paragraph]
        if any(text.startswith(FENCES) for text in said) or self.facts["error_codes"]:
            return ResponseType.TECHNICAL
        if any(is_numbered(text) for text in said):
            return ResponseType.INSTRUCTIONAL
        return ResponseType.INFORMATIONAL

    def _plan(
        self,
        outcome: Outcome,
        response_type: ResponseType,
        text: str,
        *,
        parts: Confidence | None = None,
        draft: Draft | None = None,
        handoff: Handoff | None = None,
    ) -> Plan:
        answered = outcome in {Outcome.ANSWERED, Outcome.SMALL_TALK}
        parts = parts or self._fixed_confidence(outcome)
        context = self.heard.conversation.context.after(
            topic=self.understood.intent.name if self.understood.intent.known else None,
            question=self.heard.question if outcome is Outcome.ANSWERED else None,
            entities=self.understood.entities,
            sentiment=self.understood.sentiment.score,
            answered=answered,
        )
        return Plan(
            text,
            response_type,
            parts.value,
            draft.citations if draft else (),
            self._suggested(outcome),
            handoff,
            context,
            Why(
                outcome,
                "extractive" if draft else "fixed text",
                self.heard.question,
                parts,
                {name: value for name, value in self.facts.items() if name != "message_text"},
                self.decision,
                tuple(_considered(hit) for hit in self.hits),
                self.ruleset,
            ),
        )

    def _fixed_confidence(self, outcome: Outcome) -> Confidence:
        """Confidence of a fixed text: of its intent, certain for a handoff, else of the best passage."""
        found = confidence(self.hits[0] if self.hits else None, 1.0, self.brain.thresholds)
        if outcome is Outcome.SMALL_TALK:
            return Confidence(round(self.understood.intent.confidence, 3), found.cosine, found.coverage, 1.0)
        if outcome in {Outcome.ESCALATED, Outcome.ACKNOWLEDGED}:
            return Confidence(1.0, found.cosine, found.coverage, 1.0)
        return found

    def _suggested(self, outcome: Outcome) -> tuple[str, ...]:
        if outcome is Outcome.ANSWERED:
            return (self.texts.action_resolved, self.texts.action_person)
        if outcome in {Outcome.CLARIFIED, Outcome.DECLINED}:
            return (self.texts.action_rephrase, self.texts.action_person)
        return ()


def _considered(hit: Hit) -> Considered:
    return Considered(hit.passage.id, hit.passage.title, hit.score, hit.bm25, hit.cosine, hit.coverage)
