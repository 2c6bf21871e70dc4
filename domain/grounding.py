"""Whether a passage says what an answer says."""

import re
from collections.abc import Sequence
from functools import lru_cache

from domain.retrieval.passages import Passage

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


def support(statements: Sequence[tuple[str, Passage]]) -> float:
    """The share of (statement, cited passage) pairs that are supported, 0..1; 1 for no statements."""
    if not statements:
        return 1.0
    return sum(supports(passage, statement) for statement, passage in statements) / len(statements)
