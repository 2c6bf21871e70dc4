"""Entities in a message, by pattern and gazetteer, with offsets."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from domain.nlu.code_spans import code_spans
from domain.nlu.dates import dates
from domain.nlu.names import names
from domain.nlu.record_ids import record_ids

KEPT = 20_000
"""Texts whose entities are remembered."""
MAX_ENTITIES = 20
"""Entities kept for one message (the customer's max_entities_per_message)."""


class EntityType(StrEnum):
    """The customer's entity types."""

    PERSON = "PERSON"
    ORG = "ORG"
    PRODUCT = "PRODUCT"
    DATE = "DATE"
    CODE = "CODE"
    ERROR = "ERROR"
    SALESFORCE_OBJECT = "SALESFORCE_OBJECT"
    API_ENDPOINT = "API_ENDPOINT"
    FIELD_NAME = "FIELD_NAME"


class Entity(Struct, frozen=True):
    """A named thing at characters [start, end) of the message; `value` is its normalised form."""

    type: EntityType
    text: str
    value: str
    start: int
    end: int


class Gazetteer(Struct, frozen=True):
    """Known names: lower-case surface form to (type, normalised value), and first names of people."""

    names: Mapping[str, tuple[EntityType, str]]
    people: frozenset[str] = frozenset()

    def with_more(self, names: Mapping[str, tuple[EntityType, str]]) -> "Gazetteer":
        """These names and others; the others win."""
        return Gazetteer({**self.names, **names}, self.people)


class EntityFinder:
    """Finds entities in a message.

    Patterns are compiled once; a span belongs to the first pattern that claims it.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self._find = lru_cache(KEPT)(self._find_all)
        self._names = gazetteer.names
        self._longest = max((len(WORD.findall(name)) for name in self._names), default=0)

    def find(self, text: str, today: date | None = None) -> tuple[Entity, ...]:
        """Entities in order of appearance, at most `MAX_ENTITIES`, never overlapping.

        Relative dates are counted from `today`, the customer's own. Recent texts are remembered.
        """
        return self._find(text, today)

    def _find_all(self, text: str, today: date | None) -> tuple[Entity, ...]:
        taken: list[Entity] = []
        for entity in self._candidates(text, today):
            if all(entity.end <= other.start or entity.start >= other.end for other in taken):
                taken.append(entity)
        return tuple(sorted(taken, key=lambda e: e.start)[:MAX_ENTITIES])

    def _candidates(self, text: str, today: date | None) -> Iterator[Entity]:
        for start, end in code_spans(text):
            yield Entity(EntityType.CODE, text[start:end], text[start:end].strip("`").strip(), start, end)
        for start, end, value in record_ids(text):
            yield Entity(EntityType.SALESFORCE_OBJECT, text[start:end], value, start, end)
        for kind, pattern in PATTERNS:
            for match in pattern.finditer(text):
                yield Entity(kind, match.group(), match.group(), *match.span())
        for start, end, value in dates(text, today):
            yield Entity(EntityType.DATE, text[start:end], value, start, end)
        for start, end, kind, value in self._named(_lowered(text)):
            if kind is not EntityType.SALESFORCE_OBJECT or _is_thing(text, start, end):
                yield Entity(kind, text[start:end], value, start, end)
        for who, start, end in names(text, self.gazetteer.people):
            yield Entity(EntityType(who), text[start:end], text[start:end], start, end)

    def _named(self, lowered: str) -> Iterator[tuple[int, int, EntityType, str]]:
        """Start, end, type and value of known names in a lower-case text, from each word on the longest.

        Runs of words are looked up, so that the time does not grow with the number of names.
        """
        words = [match.span() for match in WORD.finditer(lowered)]
        after = 0
        for first, (start, _) in enumerate(words):
            if first < after:
                continue
            for last in range(min(len(words), first + self._longest) - 1, first - 1, -1):
                end = words[last][1]
                if (named := self._names.get(lowered[start:end])) is not None:
                    after = last + 1
                    yield start, end, *named
                    break


WORD = re.compile(r"\w+")
_CLASSES = "System|Database|Test|Schema|Limits|Trigger|Math|String|JSON|Messaging|EventBus|UserInfo|Http|Apex"
NOT_OBJECTS = rf"(?!(?:{_CLASSES}|Auth)\b)"
"""Apex classes, whose members are no fields."""
PATTERNS: tuple[tuple[EntityType, re.Pattern[str]], ...] = (
    (EntityType.API_ENDPOINT, re.compile(r"/(?:services|sobjects|composite|tooling|jobs)/[\w./{}-]*[\w/}]")),
    (EntityType.ERROR, re.compile(r"\b(?:System\.|java\.lang\.)?[A-Z]\w+(?:Exception|MemoryError)\b")),
    (EntityType.ERROR, re.compile(r"\b(?:[A-Z]{3,}(?:_[A-Z0-9]+)+|[A-Z]{2}(?:_[A-Z0-9]{3,})+)\b")),
    (
        EntityType.ERROR,
        re.compile(
            r"\bToo many (?:SOQL queries|DML (?:statements|rows)|query rows|future calls|callouts)(?:: \d+)?"
            r"|\bHTTP(?:/1\.1)? [45]\d\d\b|\bErrorId:? ?[\d-]+(?: \([\d-]+\))?",
            re.IGNORECASE,
        ),
    ),
    (EntityType.SALESFORCE_OBJECT, re.compile(r"\b[A-Za-z]\w*__(?:e|b|x|mdt|kav)\b")),
    (
        EntityType.SALESFORCE_OBJECT,
        re.compile(r"(?:(?<=[Oo]bject )|(?<=[Oo]bject: )|(?<=[Oo]bjects )|(?<=job for ))[A-Z]\w*__c\b"),
    ),
    (
        EntityType.FIELD_NAME,
        re.compile(
            rf"\b(?:{NOT_OBJECTS}[A-Z]\w*\.)?[A-Za-z]\w*__[cr]\b(?:\.\w+)?"
            rf"|\b{NOT_OBJECTS}[A-Z][a-z]\w*\.[A-Z]\w+\b"
        ),
    ),
)
SQL = frozenset({"ORDER", "GROUP", "CASE"})
"""Objects' names that SQL shouts as keywords."""
VERB_BEFORE = re.compile(
    r"\b(?:to|can|can't|cannot|could|will|would|may|must|should|please|we|i|you|they|not|never|on no|in any"
    r"|just in|in this|in that|in the|a campaign of|into) $",
    re.IGNORECASE,
)
"""What stands before an object's name that is a verb, or part of an idiom."""
IDIOM_AFTER = re.compile(
    r" (?:me|us|you|him|her|them|for|out|up|in point|by case|of patience|at hand|that|is a|force)\b",
    re.IGNORECASE,
)


def _is_thing(text: str, start: int, end: int) -> bool:
    """Whether an object's name means the object, and is no verb and no idiom."""
    if text[start:end] in SQL:
        return False
    return not (VERB_BEFORE.search(text[max(0, start - 16) : start]) or IDIOM_AFTER.match(text, end))


def _lowered(text: str) -> str:
    """The text in lower case, letter for letter: a capital dotted i, which becomes two, stays."""
    lower = text.lower()
    return (
        lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    )
