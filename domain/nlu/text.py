"""Words: tokens, stems and sentences of short English support texts."""

import re
from functools import lru_cache

import Stemmer

WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?|_")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(A-Z0-9`])")
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|Mr|Ms|Dr|No)|^\d+)\.$")

STOP_WORDS = frozenset(
    """a about above after again all am an and any are as at be been before being below between both but by
    can could did do does doing don down during each few for from further had has have having he her
    here hers him his how i if in into is it its just ll me more most my myself no nor not now of off on
    once only or other our ours out over own please re same she should so some such than that the their
    them then there these they this those through to too under until up ve very was we were what when
    where which while who whom why will with would you your yours hello hi hey thanks thank get got im
    ive want need help trying""".split()  # noqa: SIM905  # a list of 150 lines reads worse
)
"""Words that carry no topic in a support question. 'not' is one: retrieval is about topics, not polarity."""

SILENT = STOP_WORDS | {"_"}
KEPT_WHOLE = "="
"""First character of a term that is an identifier kept whole; its parts are terms of their own."""
IDENTIFIER = re.compile(
    r"\b(?:(?P<snake>[^\W\d_]+[^\W_]*(?:_+[^\W_]+)+)|(?P<camel>[a-z]*(?:[A-Z]+[a-z0-9]+){2,}|[a-z]+(?:[A-Z]+[a-z0-9]+)+))\b"
)
HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")

_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball English stem of a lower-case word."""
    return str(_stemmer.stemWord(word))


NOTHING = re.compile(r"(?!)")
"""A pattern that matches nothing."""


def straight(text: str) -> str:
    """The text with typographic apostrophes made plain."""
    return text.replace("\u2019", "'")


def tokens(text: str) -> list[str]:
    """Lower-case words of any script, in order, repeats kept."""
    return [word.lower() for word in WORDS.findall(text)]


def terms(text: str) -> list[str]:
    """Index terms: stems of the words that carry a topic.

    Identifiers yield their parts and themselves whole: `Order__c` 'order', 'c' and '=order__c', `OrderItem`
    'orderitem', 'order' and 'item'.
    """
    text = straight(text)
    found = [stem(token) for token in tokens(text) if token not in SILENT]
    for match in IDENTIFIER.finditer(text):
        if match.lastgroup == "snake":
            found.append(f"{KEPT_WHOLE}{match.group().lower()}")
        else:
            found += [stem(part.lower()) for part in HUMP.findall(match.group())]
    return found


@lru_cache(maxsize=20_000)
def vocabulary(text: str) -> frozenset[str]:
    """The distinct index terms of a text that is met again, such as a passage."""
    return frozenset(terms(text))


def normalised(text: str) -> str:
    """White space folded and case ignored: equal for texts that may share a cached embedding."""
    return " ".join(text.split()).casefold()


def sentences(paragraph: str) -> list[str]:
    """Split prose into sentences; abbreviations and numbered list heads do not end one."""
    parts: list[str] = []
    for piece in SENTENCE_END.split(" ".join(paragraph.split())):
        if parts and ABBREVIATION.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece:
            parts.append(piece)
    return parts
