"""Cutting an article into passages at its headings, without ever cutting a list or a code block."""

import re
from collections.abc import Iterator
from functools import lru_cache

from domain.retrieval.passages import Article, Passage

HEADING = re.compile(r"^#{1,6}\s+(.+?)(?:\s+#+)?\s*$")
FENCE = re.compile(r"^\s*(`{3,}(?=[^`]*$)|~{3,})")
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


@lru_cache(maxsize=20_000)
def blocks(markdown: str) -> tuple[str, ...]:
    """Blocks: paragraphs, lists and fenced code blocks; code inside a list item belongs to the list."""
    found: list[list[str]] = [[]]
    for line, fence in fenced(markdown):
        block = found[-1]
        in_list = bool(block) and is_list(block[0])
        if fence is None and not line.strip():
            found.append([])
        elif block and not in_list and (fence == "opens" or (fence is None and begins_list(line))):
            found.append([line])
        else:
            block.append(line)
            if fence == "closes" and not in_list:
                found.append([])
    return tuple("\n".join(lines) for lines in found if lines)


def fenced(markdown: str) -> Iterator[tuple[str, str | None]]:
    """Lines with their part in a fenced code block: 'opens', 'inside', 'closes', or None (CommonMark 4.5)."""
    fence = ""
    for line in markdown.splitlines():
        if not fence:
            match = FENCE.match(line)
            fence = match.group(1) if match else ""
            yield line, "opens" if match else None
        elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
            yield line, "closes"
        else:
            yield line, "inside"


def begins_list(line: str) -> bool:
    """Whether a line begins a list right below a paragraph: a bullet, or number 1."""
    return is_list(line) and (not is_numbered(line) or line.strip().startswith(("1.", "1)")))


def is_list(line: str) -> bool:
    """Whether a line begins a list item, numbered or not."""
    return bool(re.match(r"\s*(?:\d{1,2}[.)]|[-*+])\s+\S", line))


def is_numbered(line: str) -> bool:
    """Whether a line begins a numbered item."""
    return bool(re.match(r"\s*\d{1,2}[.)]\s+\S", line))


def is_code(block: str) -> bool:
    """Whether a block is a fenced code block."""
    return bool(FENCE.match(block.split("\n", 1)[0]))


def _sections(body: str) -> Iterator[tuple[str, str]]:
    heading, lines = "", list[str]()
    for line, fence in fenced(body):
        match = HEADING.match(line) if fence is None else None
        if match is None:
            lines.append(line)
            continue
        if "".join(lines).strip():
            yield heading, "\n".join(lines).strip("\n")
        heading, lines = match.group(1), []
    if "".join(lines).strip():
        yield heading, "\n".join(lines).strip("\n")


def _pieces(body: str) -> Iterator[str]:
    piece: list[str] = []
    words = 0
    for block in blocks(body):
        size = len(block.split())
        goes_on = bool(piece) and is_list(piece[-1].split("\n", 1)[0]) and _continues_list(block)
        if piece and words + size > MAX_WORDS and not goes_on:
            yield "\n\n".join(piece)
            piece, words = [], 0
        piece.append(block)
        words += size
    if piece:
        yield "\n\n".join(piece)


def _continues_list(block: str) -> bool:
    """Whether a block belongs to the list before it: a further item, or indented below one."""
    return is_list(block.split("\n", 1)[0]) or block.startswith((" ", "\t"))
