"""Whether a passage says what an answer says, word for word or in other words."""

import re
from collections.abc import Callable
from functools import lru_cache

from domain.nlu.text import vocabulary
from domain.retrieval.chunking import FENCES
from domain.retrieval.contradiction import DENIAL, NUMBER
from domain.retrieval.passages import Passage

Near = Callable[[str, Passage], tuple[float, str]]
"""The cosine of a statement to the nearest sentence of a passage, and that sentence."""
MEANT, WORDED = 0.62, 0.6
"""Least cosine to a sentence of the passage, and least share of words found in the passage, of a statement
in other words. Measured on sentences changed by hand: ops/bench/grounding.py."""
CODE_NAME = re.compile(
    r"`[^`]+`|\b\w+__[a-z]\b|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+\b|\b[A-Za-z]\w*\.[A-Za-z]\w+\b|/\w[\w/]+"
)
"""Error codes, API names, identifiers and paths: what is said exactly or not at all."""
QUOTED = re.compile(r"[\"\u201c]([^\"\u201d]{2,80})[\"\u201d]")

MARKER = re.compile(r"\s*\[\d{1,2}\]")
ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*+])\s+", re.MULTILINE)


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """The words of a statement with citations, emphasis and spacing taken away, case ignored."""
    return " ".join(re.sub(r"[*_`]", "", MARKER.sub("", text)).split()).casefold()


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """The words of a statement: citations, list marks, emphasis and spacing taken away, case ignored."""
    return folded(ITEM.sub("", MARKER.sub("", text)))


def says(body: str, statement: str) -> bool:
    """Whether a text holds the statement word for word."""
    return plain(statement) in plain(body) or folded(statement) in folded(body)


def supports(passage: Passage, statement: str) -> bool:
    """Whether the passage holds the statement word for word."""
    return says(passage.body, statement)


def entails(passage: Passage, statement: str, near: Near) -> bool:
    """Whether the passage says the statement in other words.

    Numbers, codes, names and quoted words must be the passage's own; most words must be in it; a sentence of
    it must mean the same, and both or neither of the two deny. Code is never taken in other words.
    """
    if any(fence in statement for fence in FENCES):
        return False
    text, body = MARKER.sub("", statement), passage.text
    if not _numbers(text) <= _numbers(body):
        return False
    exact = {one.strip("`").casefold() for one in (*CODE_NAME.findall(text), *QUOTED.findall(text))}
    if any(one not in body.casefold() for one in exact):
        return False
    words = vocabulary(text)
    if not words or len(words & vocabulary(body)) < WORDED * len(words):
        return False
    cosine, sentence = near(text, passage)
    return cosine >= MEANT and bool(DENIAL.search(text.lower())) == bool(DENIAL.search(sentence.lower()))


def _numbers(text: str) -> frozenset[str]:
    """Numbers as they are meant: 1,000 is 1000; list marks are none."""
    return frozenset(one.replace(",", "").rstrip(".%") for one in NUMBER.findall(ITEM.sub("", text)))
