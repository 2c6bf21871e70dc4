"""The facts that rules may speak of, with kind, range and meaning.

A rule is checked against these when it is saved.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from domain.errors import DomainError


class RuleError(DomainError):
    """A rule is not right; the message names the rule, the place and the mend."""


class Kind(StrEnum):
    """What values a fact has."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "true or false"
    LIST = "list of texts"


class Fact(Struct, frozen=True):
    """One fact: name, kind, meaning, range or enumeration, and whether it holds personal data."""

    name: str
    kind: Kind
    label: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    personal: bool = False


TIERS = ("free", "starter", "professional", "enterprise")
ISSUE_TYPES = ("access", "billing", "security", "technical", "how_to", "complaint", "other")
SIGNALS = ("legal_threat", "security_incident", "data_loss", "self_harm", "churn", "wants_person", "urgent")
EMOTIONS = ("joy", "anger", "fear", "sadness", "surprise", "neutral")
CHANNELS = ("web", "mobile", "email", "slack", "teams", "api")

_ALL = (
    Fact("sentiment_score", Kind.NUMBER, "Sentiment of the message", -1, 1),
    Fact("sentiment_trend", Kind.NUMBER, "Change of sentiment since the first message", -2, 2),
    Fact("emotion", Kind.TEXT, "Strongest emotion", values=EMOTIONS),
    Fact("emotion_intensity", Kind.NUMBER, "Intensity of the emotion", 0, 5),
    Fact("intent", Kind.TEXT, "Intent, or 'unknown'"),
    Fact("intent_confidence", Kind.NUMBER, "Calibrated confidence of the intent", 0, 1),
    Fact("issue_type", Kind.TEXT, "Kind of issue", values=ISSUE_TYPES),
    Fact("signals", Kind.LIST, "Cues found in the message", values=SIGNALS),
    Fact("customer_tier", Kind.TEXT, "Subscription tier of the customer", values=TIERS),
    Fact("channel", Kind.TEXT, "Channel", values=CHANNELS),
    Fact("language", Kind.TEXT, "Language of the message, ISO 639-1"),
    Fact("message_text", Kind.TEXT, "The message", personal=True),
    Fact("message_length", Kind.NUMBER, "Characters in the message", 0, 5_000),
    Fact("message_count", Kind.NUMBER, "Customer and agent messages so far", 0),
    Fact("failed_turns", Kind.NUMBER, "Turns in a row that found no answer", 0),
    Fact("retrieval_confidence", Kind.NUMBER, "How well the knowledge covers the question", 0, 1),
    Fact("knowledge_category", Kind.TEXT, "Category of the best passage"),
    Fact("error_codes", Kind.LIST, "Error codes in the message"),
    Fact("salesforce_objects", Kind.LIST, "Salesforce objects in the message"),
    Fact("has_code", Kind.BOOLEAN, "Whether the message holds code"),
    Fact("has_attachments", Kind.BOOLEAN, "Whether the message has attachments"),
    Fact("hour_utc", Kind.NUMBER, "Hour of the day, UTC", 0, 23),
    Fact("weekday", Kind.NUMBER, "Day of the week, Monday is 1", 1, 7),
)
FACTS: Mapping[str, Fact] = MappingProxyType({fact.name: fact for fact in _ALL})

Facts = Mapping[str, float | str | bool | tuple[str, ...] | None]
"""What is known in one turn; None or absent is unknown."""


def fact_named(name: str, where: str) -> Fact:
    """The fact, or `RuleError` with the nearest name."""
    if name in FACTS:
        return FACTS[name]
    raise RuleError("unknown_fact", f"{where}: there is no fact called '{name}'{suggestion(name, FACTS)}")


def suggestion(word: object, known: Sequence[str] | Mapping[str, object]) -> str:
    """'; did you mean ...?' when something close is known, else the full stop."""
    near = get_close_matches(str(word).lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else "."
