"""Cutting an article into passages at its headings, without ever cutting a list or a code block."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from domain.nlu.text import sentences
from domain.retrieval.passages import Article, Passage

HEADING = re.compile(r"^(#{1,6})\s+(.+?)(?:\s+#+)?\s*$")
FENCE = re.compile(r"^\s*(`{3,}(?=[^`]*$)|~{3,})")
FENCES = ("```", "~~~")
"""How a code block begins and ends."""
MAX_WORDS = 200
"""Words after which a passage ends at the next blank line; the embedding reads about 256 tokens."""
LONGEST = 3 * MAX_WORDS
"""Words from which a list, a table or a paragraph is cut nevertheless."""
RULED = re.compile(r"^\s*\|?\s*:?-{2,}")
WORD = re.compile(r"[^\W_]+")


def passages(article: Article) -> tuple[Passage, ...]:
    """The article's opening and sections, in order. An article without headings is cut by length."""
    found: list[Passage] = []
    anchors: set[str] = set()
    for path, body in _sections(article.body):
        for piece in _pieces(body):
            found.append(
                Passage(
                    article.id,
                    len(found),
                    article.title,
                    " > ".join(path),
                    piece,
                    article.category,
                    article.product,
                    article.api_versions,
                    article.error_codes,
                    article.reach,
                    _anchor(path[-1] if path else "", anchors),
                    () if found else article.asked,
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


def is_table(block: str) -> bool:
    """Whether a block is a table of Markdown: a row of cells above a row of dashes."""
    lines = block.split("\n", 2)
    return len(lines) > 1 and "|" in lines[0] and bool(RULED.match(lines[1]))


def _anchor(heading: str, taken: set[str]) -> str:
    """A name made of the heading, with a count where it is taken."""
    name = "-".join(WORD.findall(heading.lower()))[:60] or "opening"
    anchor, count = name, 1
    while anchor in taken:
        count += 1
        anchor = f"{name}-{count}"
    taken.add(anchor)
    return anchor


def _sections(body: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths of headings, outermost first, and what is below them. Empty sections lend their heading only."""
    path: list[tuple[int, str]] = []
    lines = list[str]()
    for line, fence in fenced(body):
        match = HEADING.match(line) if fence is None else None
        if match is None:
            lines.append(line)
            continue
        if "".join(lines).strip():
            yield tuple(heading for _, heading in path), "\n".join(lines).strip("\n")
        level, lines = len(match.group(1)), []
        path = [*((above, heading) for above, heading in path if above < level), (level, match.group(2))]
    if "".join(lines).strip():
        yield tuple(heading for _, heading in path), "\n".join(lines).strip("\n")


def _pieces(body: str) -> Iterator[str]:
    piece: list[str] = []
    words = 0
    for block in (part for whole in blocks(body) for part in _parts(whole)):
        size = len(block.split())
        goes_on = bool(piece) and is_list(piece[-1].split("\n", 1)[0]) and _continues_list(block)
        if piece and words + size > MAX_WORDS and not (goes_on and words + size <= LONGEST):
            yield "\n\n".join(piece)
            piece, words = [], 0
        piece.append(block)
        words += size
    if piece:
        yield "\n\n".join(piece)


def _parts(block: str) -> Iterator[str]:
    """A block that is not too long; else a table by rows under its heading, prose by sentences."""
    if len(block.split()) <= LONGEST or is_code(block):
        yield block
    elif is_table(block):
        *head, rows = block.split("\n", 2)
        yield from ("\n".join([*head, some]) for some in _packed(rows.split("\n"), "\n"))
    elif is_list(block.split("\n", 1)[0]):
        yield from _packed(block.split("\n"), "\n")
    else:
        yield from _packed(sentences(block), " ")


def _packed(parts: Sequence[str], joint: str) -> Iterator[str]:
    """The parts joined up to `MAX_WORDS`; a longer one is cut between words."""
    held, words = list[str](), 0
    for part in parts:
        for start in range(0, max(1, len(part.split())), LONGEST):
            size = len(part.split())
            some = part if size <= LONGEST else " ".join(part.split()[start : start + LONGEST])
            if held and words + len(some.split()) > MAX_WORDS:
                yield joint.join(held)
                held, words = [], 0
            held.append(some)
            words += len(some.split())
    if held:
        yield joint.join(held)


def _continues_list(block: str) -> bool:
    """Whether a block belongs to the list before it: a further item, or indented below one."""
    return is_list(block.split("\n", 1)[0]) or block.startswith((" ", "\t"))
