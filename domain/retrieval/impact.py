"""What an edit of an article would do to the answers that were given before."""

import re
from collections.abc import Sequence

from msgspec import Struct

from domain.grounding import supports
from domain.ids import ArticleId
from domain.retrieval.chunking import FENCES
from domain.retrieval.contradiction import Contradiction
from domain.retrieval.passages import Passage

MARKED = re.compile(r"\s*\[(\d{1,2})\](?=\s|$)")


class PastAnswer(Struct, frozen=True):
    """An answer that was given: the question searched for, what was said, the articles cited by number."""

    message: str
    question: str
    response: str
    cited: tuple[tuple[int, str], ...]


class Lost(Struct, frozen=True):
    """A past answer of which the edited article no longer says these statements."""

    message: str
    question: str
    statements: tuple[str, ...]


class Moved(Struct, frozen=True):
    """A past question that would be answered from another article."""

    message: str
    question: str
    before: str
    after: str


class Impact(Struct, frozen=True):
    """What would change. `answers` were looked at."""

    answers: int
    lost: tuple[Lost, ...]
    moved: tuple[Moved, ...]
    contradictions: tuple[Contradiction, ...]


def said_from(answer: PastAnswer, article: ArticleId) -> list[str]:
    """The statements of an answer that rest on an article."""
    numbers = {number for number, cited in answer.cited if cited == article}
    pieces = MARKED.split(answer.response)
    pairs = zip(pieces[::2], pieces[1::2], strict=False)
    return [_alone(text) for text, number in pairs if int(number) in numbers and _alone(text)]


def lost(answers: Sequence[PastAnswer], article: ArticleId, passages: Sequence[Passage]) -> list[Lost]:
    """The answers of which some statement is in none of the edited article's passages."""
    found = []
    for answer in answers:
        gone = [
            text
            for text in said_from(answer, article)
            if not any(supports(passage, text) for passage in passages)
        ]
        if gone:
            found.append(Lost(answer.message, answer.question, tuple(gone)))
    return found


def _alone(text: str) -> str:
    """A statement without the remarks that stand before it in a paragraph of their own."""
    text = text.strip()
    return text if text.endswith(FENCES) else text.rsplit("\n\n", 1)[-1].strip()
