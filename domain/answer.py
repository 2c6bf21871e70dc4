"""The extractive writer and its judge: an answer composed of what the best passages say, and nothing else.

Numbered steps stay steps, code blocks stay whole, every sentence carries the number of the passage it comes
from.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from domain.grounding import Near, entails, supports
from domain.nlu.text import sentences, vocabulary
from domain.retrieval.chunking import FENCES, blocks, fenced, is_code, is_list, is_numbered
from domain.retrieval.doubts import quotable
from domain.retrieval.passages import Hit, Passage

MAX_CHARACTERS = 1_800
"""Characters after which no further block is begun; about what fits a phone screen twice."""
MAX_CITATIONS = 4
LEAST_TERMS = 2
"""Words with a meaning that a model's statement has at least."""
NEAR = 0.8
"""Share of the best cosine from which another passage may add to the answer."""
ITEM = re.compile(r"\s*(?:\d{1,2}[.)]|[-*+])\s+\S")


class Citation(Struct, frozen=True):
    """A passage that an answer rests on; `number` is the one in square brackets."""

    number: int
    article_id: str
    title: str
    heading: str
    passage_id: str
    text: str
    category: str
    api_versions: str
    score: float
    language: str = "en"


class Statement(Struct, frozen=True):
    """One piece of an answer (sentence, list item or code block) and the number of its citation."""

    text: str
    citation: int


class Draft(Struct, frozen=True):
    """An answer as paragraphs of statements, with its citations."""

    paragraphs: tuple[tuple[Statement, ...], ...]
    citations: tuple[Citation, ...]

    @property
    def statements(self) -> list[str]:
        """The texts of all statements in order."""
        return [statement.text for paragraph in self.paragraphs for statement in paragraph]

    @property
    def text(self) -> str:
        """The answer in Markdown."""
        return "\n\n".join(_joined(paragraph) for paragraph in self.paragraphs)


def write(question: str, hits: Sequence[Hit], *, wants_steps: bool, wants_code: bool) -> Draft:
    """Compose an answer from hits, best first. `hits` must not be empty and should all be relevant."""
    chosen = _choose(question, hits, wants_steps=wants_steps, wants_code=wants_code)
    paragraphs: list[tuple[Statement, ...]] = []
    size = 0
    for number, (_, picked) in enumerate(chosen, 1):
        for block in picked:
            if (size and size + len(block) > MAX_CHARACTERS) or not quotable(block):
                continue
            size += len(block)
            paragraphs.append(tuple(Statement(piece, number) for piece in statements(block)))
    cited = {statement.citation for paragraph in paragraphs for statement in paragraph}
    citations = [citation(number, hit) for number, (hit, _) in enumerate(chosen, 1) if number in cited]
    return Draft(tuple(paragraphs), tuple(citations))


def together(drafts: Sequence[Draft]) -> Draft:
    """Several answers as one, their citations numbered through; a passage that two rest on is cited once."""
    numbers: dict[str, int] = {}
    citations: dict[str, Citation] = {}
    paragraphs: list[tuple[Statement, ...]] = []
    for draft in drafts:
        named = {one.number: one for one in draft.citations}
        for one in draft.citations:
            number = numbers.setdefault(one.passage_id, len(numbers) + 1)
            citations.setdefault(one.passage_id, replace(one, number=number))
        paragraphs += (
            tuple(replace(s, citation=numbers[named[s.citation].passage_id]) for s in paragraph)
            for paragraph in draft.paragraphs
        )
    return Draft(tuple(paragraphs), tuple(citations.values()))


def judge(draft: Draft, found: Sequence[Passage], near: Near | None = None) -> tuple[Draft, float]:
    """Drop every statement that its passage does not hold; return the rest and the supported share.

    With `near` a passage may hold it in other words.
    """
    passages = {passage.id: passage for passage in found}
    cited = {c.number: passages[c.passage_id] for c in draft.citations if c.passage_id in passages}
    kept, total, paragraphs = 0, 0, []
    for paragraph in draft.paragraphs:
        good = tuple(s for s in paragraph if s.citation in cited and _held(cited[s.citation], s.text, near))
        total, kept = total + len(paragraph), kept + len(good)
        if good:
            paragraphs.append(good)
    used = {statement.citation for paragraph in paragraphs for statement in paragraph}
    citations = tuple(c for c in draft.citations if c.number in used)
    return Draft(tuple(paragraphs), citations), kept / total if total else 0.0


def _held(passage: Passage, text: str, near: Near | None) -> bool:
    if near is not None and len(vocabulary(text)) < LEAST_TERMS:
        return False  # a scrap of a model's that any passage holds
    held = supports(passage, text) or (near is not None and entails(passage, text, near))
    return held and quotable(text)


@lru_cache(maxsize=20_000)
def statements(block: str) -> tuple[str, ...]:
    """The statements of a block: a code block whole, list items one each, prose by sentence."""
    if is_code(block):
        return (block,)
    if is_list(block.split("\n", 1)[0]):
        return tuple(_items(block))
    return tuple(sentences(block))


def citation(number: int, hit: Hit) -> Citation:
    """The citation of a hit under a number."""
    p = hit.passage
    return Citation(
        number,
        p.article,
        p.title,
        p.heading,
        p.id,
        p.body,
        p.category,
        p.api_versions,
        hit.score,
        p.reach.language,
    )


def _choose(
    question: str, hits: Sequence[Hit], *, wants_steps: bool, wants_code: bool
) -> list[tuple[Hit, Sequence[str]]]:
    """Hits with the blocks to take from each: the best article's opening, the best passage, what it lacks."""
    best, *rest = hits
    same = [h for h in rest if h.passage.article == best.passage.article]
    openings = [h for h in same if h.passage.number == 0]
    sections = [] if best.passage.number else [h for h in same[:1] if h.cosine >= NEAR * best.cosine]
    first = (*openings, best, *sections)
    chosen: list[tuple[Hit, Sequence[str]]] = [(h, blocks(h.passage.body)) for h in first]
    lacking = vocabulary(question).difference(*(vocabulary(hit.passage.text) for hit in first))
    needs = [kind for kind, wanted in (("steps", wants_steps), ("code", wants_code)) if wanted]
    for hit in (h for h in rest if h not in first):
        if len(chosen) >= MAX_CITATIONS:
            break
        have = [block for _, picked in chosen for block in picked]
        missing = [kind for kind in needs if not _has(have, kind)]
        if _adds(hit, best, lacking, missing):
            chosen.append((hit, [block for block in blocks(hit.passage.body) if block not in have]))
            lacking -= vocabulary(hit.passage.text)
    return [(hit, picked) for hit, picked in chosen if picked]


def _adds(hit: Hit, best: Hit, lacking: frozenset[str], missing: Sequence[str]) -> bool:
    """Whether a further passage brings words still lacking, or missing steps or code of the same article."""
    if hit.passage.article == best.passage.article and any(
        _has(blocks(hit.passage.body), kind) for kind in missing
    ):
        return True
    return hit.cosine >= NEAR * best.cosine and not lacking.isdisjoint(vocabulary(hit.passage.text))


def _is(block: str, kind: str) -> bool:
    return is_code(block) if kind == "code" else is_numbered(block)


def _has(have: Sequence[str], kind: str) -> bool:
    return any(_is(block, kind) for block in have)


def _items(block: str) -> Iterator[str]:
    item: list[str] = []
    for line, fence in fenced(block):
        if fence is None and ITEM.match(line) and item:
            yield "\n".join(item)
            item = []
        item.append(line)
    yield "\n".join(item)


def _joined(paragraph: Sequence[Statement]) -> str:
    marked = [
        f"{s.text}\n[{s.citation}]" if s.text.endswith(FENCES) else f"{s.text} [{s.citation}]"
        for s in paragraph
    ]
    listed = any(is_list(s.text.split("\n", 1)[0]) for s in paragraph)
    return ("\n" if listed else " ").join(marked)
