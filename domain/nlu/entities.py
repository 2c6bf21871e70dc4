"""Entities in a message, by pattern and gazetteer, with offsets."""

import re
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from domain.nlu.text import NOTHING

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
    """Known names: lower-case surface form to (type, normalised value)."""

    names: dict[str, tuple[EntityType, str]]

    def pattern(self) -> re.Pattern[str]:
        """One alternation over all names, the longest first so that 'sales cloud' wins over 'sales'.

        For lower-case text: an alternation that ignores case is four times slower.
        """
        if not self.names:
            return NOTHING
        longest_first = sorted(self.names, key=len, reverse=True)
        return re.compile(r"\b(?:" + "|".join(re.escape(n) for n in longest_first) + r")\b")


class EntityFinder:
    """Finds entities in a message.

    Patterns are compiled once; a span belongs to the first pattern that claims it.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._names = gazetteer.pattern()

    def find(self, text: str) -> tuple[Entity, ...]:
        """Entities in order of appearance, at most `MAX_ENTITIES`, never overlapping."""
        taken: list[Entity] = []
        for entity in self._candidates(text):
            if all(entity.end <= other.start or entity.start >= other.end for other in taken):
                taken.append(entity)
        return tuple(sorted(taken, key=lambda e: e.start)[:MAX_ENTITIES])

    def _candidates(self, text: str) -> Iterator[Entity]:
        for kind, pattern in PATTERNS:
            for match in pattern.finditer(text):
                yield _entity(kind, match, _value(kind, match.group()))
        for match in self._names.finditer(_lowered(text)):
            kind, value = self._gazetteer.names[match.group()]
            yield Entity(kind, text[match.start() : match.end()], value, *match.span())


PATTERNS: tuple[tuple[EntityType, re.Pattern[str]], ...] = (
    (EntityType.CODE, re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)),
    (
        EntityType.CODE,
        re.compile(r"\bselect\b[\s\S]{1,400}?\bfrom\s+\w+(?:\s+where\s+[^.?!\n]{1,200})?", re.IGNORECASE),
    ),
    (EntityType.API_ENDPOINT, re.compile(r"/services/[\w./{}-]*[\w/}]")),
    (EntityType.ERROR, re.compile(r"\b(?:System\.)?[A-Z]\w+Exception\b")),
    (EntityType.ERROR, re.compile(r"\b[A-Z]{3,}(?:_[A-Z0-9]+)+\b")),
    (
        EntityType.ERROR,
        re.compile(
            r"\bToo many (?:SOQL queries|DML (?:statements|rows)|query rows)(?:: \d+)?", re.IGNORECASE
        ),
    ),
    (EntityType.SALESFORCE_OBJECT, re.compile(r"\b[A-Za-z]\w*__(?:e|b|x|mdt|kav)\b")),
    (EntityType.FIELD_NAME, re.compile(r"\b(?:[A-Z]\w*\.)?[A-Za-z]\w*__[cr]\b|\b[A-Z][a-z]\w*\.[A-Z]\w+\b")),
    (EntityType.DATE, re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?Z?)?\b")),
    (
        EntityType.DATE,
        re.compile(
            r"\b(?:today|yesterday|tomorrow|(?:last|next|this) (?:week|month|quarter|year))\b", re.IGNORECASE
        ),
    ),
)


def _lowered(text: str) -> str:
    """The text in lower case, letter for letter: a capital dotted i, which becomes two, stays."""
    lower = text.lower()
    return (
        lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    )


def _entity(kind: EntityType, match: re.Match[str], value: str) -> Entity:
    return Entity(kind, match.group(), value, match.start(), match.end())


def _value(kind: EntityType, text: str) -> str:
    if kind is EntityType.CODE:
        return text.strip("`").strip()
    if kind is EntityType.DATE and not text[0].isdigit():
        return text.lower()
    return text
