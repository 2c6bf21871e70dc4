"""Where two passages say different things about the same: other numbers, or one of them denies it."""

import re
from collections.abc import Iterator, Sequence
from itertools import product

from msgspec import Struct

from domain.nlu.text import sentences, terms
from domain.retrieval.chunking import blocks, is_code
from domain.retrieval.passages import Passage
from domain.versions import valid_for

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?%?")
DENIAL = re.compile(r"\b(?:not|never|no longer|cannot|can't|isn't|aren't|doesn't|don't|without|unable)\b")
ALIKE = 0.7
"""Share of words in common from which two sentences speak of the same."""
LEAST_WORDS = 4
MARKS = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*+])\s+")


class Contradiction(Struct, frozen=True):
    """Two sentences that cannot both be right, with the ids of their passages."""

    passage: str
    sentence: str
    other_passage: str
    other_sentence: str


class _Said(Struct, frozen=True):
    text: str
    words: frozenset[str]
    numbers: frozenset[str]
    denies: bool


def contradictions(mine: Sequence[Passage], others: Sequence[Passage]) -> Iterator[Contradiction]:
    """Between passages of different articles."""
    theirs = [(other, _sentences(other)) for other in others]
    for passage in mine:
        said = _sentences(passage)
        for other, their in theirs:
            if other.article == passage.article or not _together(passage, other):
                continue
            for one, two in product(said, their):
                if _contradict(one, two):
                    yield Contradiction(passage.id, one.text, other.id, two.text)


def corrected(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Statements made before that a statement made now contradicts, and that are not made any more."""
    gone = [one for text in before if text not in now for one in _said(text)]
    made = [one for text in now for one in _said(text)]
    return tuple(one.text for one in gone if any(_contradict(one, other) for other in made))


def _together(one: Passage, two: Passage) -> bool:
    """Whether both hold for the same versions and in the same language."""
    versions = valid_for(one.api_versions).meet(valid_for(two.api_versions))
    return versions and one.reach.language == two.reach.language


def _contradict(one: _Said, two: _Said) -> bool:
    common, either = one.words & two.words, one.words | two.words
    if len(common) < LEAST_WORDS or len(common) < ALIKE * len(either):
        return False
    if one.denies != two.denies:
        return True
    return bool(one.numbers and two.numbers) and one.numbers.isdisjoint(two.numbers)


def _sentences(passage: Passage) -> list[_Said]:
    return [one for block in blocks(passage.body) for one in _said(block)]


def _said(block: str) -> list[_Said]:
    """The sentences of a block that say enough to be compared; none of code."""
    found: list[_Said] = []
    if is_code(block):
        return found
    for line in block.split("\n"):
        for text in sentences(MARKS.sub("", line)):
            words = frozenset(term for term in terms(text) if not term[0].isdigit())
            if len(words) >= LEAST_WORDS:
                numbers = frozenset(n.replace(",", "") for n in NUMBER.findall(text))
                found.append(_Said(text, words, numbers, bool(DENIAL.search(text.lower()))))
    return found
