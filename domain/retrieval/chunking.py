"""Cutting an article into passages at its headings, without ever cutting a list or a code block."""

import re
from collections.abc import Iterator

from domain.retrieval.passages import Article, Passage

HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
FENCE = re.compile(r"^\s*(```|~~~)")
MAX_WORDS = 200
"""Words after which a passage ends at the next blank line; the embedding reads about 256 tokens."""


def passages(article: Article) -> tuple[Passage, ...]:
    """The article's opening and sections, in order. An article without headings is cut by length."""
    found: list[Passage] = []
    for heading, body in _sections(article.body):
        for piece in _pieces(body):
            found.append(
                Passage(
                    article.id,
                    len(found),
                    article.title,
                    heading,
                    piece,
                    article.category,
                    article.product,
                    article.api_versions,
                    article.error_codes,
                )
            )
    return tuple(found)


def blocks(markdown: str) -> list[str]:
    """Blocks parted by blank lines; a fenced code block, blank lines and all, is one block."""
    found: list[list[str]] = [[]]
    fenced = False
    for line in markdown.splitlines():
        if FENCE.match(line):
            if not fenced and found[-1] and not is_list(found[-1][0]):
                found.append([])
            fenced = not fenced
            found[-1].append(line)
            if not fenced:
                found.append([])
        elif line.strip() or fenced:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


def is_list(line: str) -> bool:
    """Whether a line begins a list item, numbered or not."""
    return bool(re.match(r"\s*(?:\d{1,2}[.)]|[-*+])\s+\S", line))


def is_numbered(line: str) -> bool:
    """Whether a line begins a numbered item."""
    return bool(re.match(r"\s*\d{1,2}[.)]\s+\S", line))


def is_code(block: str) -> bool:
    """Whether a block is a fenced code block."""
    return bool(FENCE.match(block))


def _sections(body: str) -> Iterator[tuple[str, str]]:
    heading, lines, fenced = "", list[str](), False
    for line in body.splitlines():
        fenced ^= bool(FENCE.match(line))
        match = None if fenced else HEADING.match(line)
        if match is None:
            lines.append(line)
            continue
        if "".join(lines).strip():
            yield heading, "\n".join(lines).strip()
        heading, lines = match.group(1), []
    if "".join(lines).strip():
        yield heading, "\n".join(lines).strip()


def _pieces(body: str) -> Iterator[str]:
    piece: list[str] = []
    words = 0
    for block in blocks(body):
        size = len(block.split())
        if piece and words + size > MAX_WORDS:
            yield "\n\n".join(piece)
            piece, words = [], 0
        piece.append(block)
        words += size
    if piece:
        yield "\n\n".join(piece)
