"""Names of people and companies in a message, by their capitals and the words around them."""

import re
from collections.abc import Iterable, Iterator

_CAPITAL = r"[A-Z\u00c0-\u00de][\w'\u2019-]+"
_NAME = rf"{_CAPITAL}(?: (?:(?:van|von|de|da|del|di|der|den|la|le|bin|al) )?{_CAPITAL}){{0,2}}"
_INTRODUCED = (
    r"my name is|this is|i am|i'm|it's|its|im|ask|contact person is|colleague|signed,?"
    r"|regards,?\s|cheers,?\s|thanks,?\s|greetings,?\s"
)
_DOES = (
    r"left|says|said|asks|asked|wants|cannot|can't|told|wrote|joined|works|reports|needs|gets|got|has left"
    r"|from [A-Z]|at [A-Z]|here\b"
)
PERSON = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Frau|Herrn?|Mme|Sra?)\.? (?P<a>{_NAME})"
    rf"|\b(?i:{_INTRODUCED}) ?(?P<b>{_NAME})"
    rf"|(?P<c>{_NAME})(?= (?:{_DOES}))"
    rf"|(?m:^(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Hh]allo) (?P<d>{_NAME})(?=[,!\n]))"
)
_CAPITALISED = r"[A-Z][\w&'\u2019-]*"
_KIND = (
    r"Inc|Ltd|LLC|GmbH|AG|Corp|Co|PLC|BV|SA|SpA|Bank|Group|Union|University|Hospital|Telecom|Industries|Logistics"
    r"|Insurance|Energy|Airlines|Partners|Consulting|Foundation|Shipping|Foods|Motors|Systems|Labs"
)
COMPANY = re.compile(
    rf"\b(?P<a>{_CAPITALISED}(?: (?:& |and |of )?{_CAPITALISED}){{0,3}} (?:{_KIND})\b)"
    rf"|\b(?:from|at|for|with|of) (?P<b>[A-Z][a-z][\w&'\u2019-]*(?: (?:& )?{_CAPITALISED}){{0,3}})"
)
WORD = re.compile(r"[^\W\d_][^\W_]*(?:['\u2019-][^\W_]+)*")
MAX_SURNAMES = 4
GAPS = (" ", ". ")
PARTICLES = frozenset(
    {"van", "von", "de", "da", "del", "di", "der", "den", "la", "le", "bin", "al", "dos", "do"}
)
COMMON = frozenset(
    """a an the i we you he she it they my our your his her their this that these those hi hello hey dear
    thanks thank please since after before when where why how what who which is are was were do does
    did can could will would should if in on at by from to for with as and or but not no yes ok okay
    also there here today yesterday tomorrow monday tuesday wednesday thursday friday saturday
    sunday january february march april may june july august september october november december
    salesforce apex soql flow lightning setup admin error api url id csv pdf sso mfa support team
    account contact lead case opportunity production sandbox chrome excel outlook english everyone
    somebody nobody each every all only just still now then sales service marketing data queue
    report reports help""".split()  # noqa: SIM905  # a list of 150 lines reads worse
)
"""Words that begin with a capital for other reasons than being a name."""


def names(text: str, people: frozenset[str] = frozenset()) -> Iterator[tuple[str, int, int]]:
    """'PERSON' or 'ORG' with start and end, without common words at either side.

    `people` are first names; one of them with a capital is a person, with the surnames that follow.
    """
    found = [(str(match.lastgroup), match) for match in COMPANY.finditer(text)]
    yield from _proper(text, "PERSON", PERSON.finditer(text))
    yield from _proper(text, "ORG", [match for group, match in found if group == "a"])
    for start, end in _people(text, people):
        yield "PERSON", start, end
    yield from _proper(text, "ORG", [match for group, match in found if group == "b"])


def _proper(text: str, kind: str, matches: Iterable[re.Match[str]]) -> Iterator[tuple[str, int, int]]:
    """The matches without common words at either side."""
    for match in matches:
        start, end = match.span(str(match.lastgroup))
        inner = [word.span() for word in re.finditer(r"\S+", text[start:end])]
        proper = [span for span in inner if text[start + span[0] : start + span[1]].lower() not in COMMON]
        if proper:
            yield kind, start + proper[0][0], start + proper[-1][1]


def _people(text: str, people: frozenset[str]) -> Iterator[tuple[int, int]]:
    words = list(WORD.finditer(text)) if people else []
    taken = -1
    for place, word in enumerate(words):
        if place <= taken or word.group() not in people:
            continue
        end, taken = word.end(), place
        for following in range(place + 1, min(place + 1 + MAX_SURNAMES, len(words))):
            surname = words[following]
            gap = text[end : surname.start()]
            if gap not in GAPS or not (surname.group() in PARTICLES or _is_name(surname.group())):
                break
            if surname.group() not in PARTICLES:
                end, taken = surname.end(), following
        yield word.start(), end


def _is_name(word: str) -> bool:
    return word[0].isupper() and word.lower() not in COMMON and len(word) > 1
