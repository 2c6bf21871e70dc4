"""What a language model is asked, and how its answer is read. All from outside is data, never orders."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from domain.answer import Draft, Statement, citation
from domain.dialogue import Exchange
from domain.errors import DataFileError
from domain.grounding import MARKER
from domain.retrieval.passages import Hit

MAX_STATEMENTS = 60
TALK = 0.15
"""Share of the room that the talk before may take."""
SPARE = 64
"""Tokens left for what a model's own template adds."""
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "paragraphs": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"text": {"type": "string"}, "passage": {"type": "integer"}},
                    "required": ["text", "passage"],
                    "additionalProperties": False,
                },
            },
        }
    },
    "required": ["paragraphs"],
    "additionalProperties": False,
}
"""What a model writes: paragraphs of sentences, steps or code blocks, each with the number of its passage."""


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """A versioned prompt. `system` is ours alone: nothing from outside is ever put into it."""

    version: str
    system: str
    max_tokens: int
    temperature: float


class Prompt(Struct, frozen=True):
    """One request: our instructions, and JSON with the question and the passages."""

    version: str
    system: str
    user: str
    max_tokens: int
    temperature: float


class _Sentence(Struct):
    text: str
    passage: int


class _Answer(Struct):
    paragraphs: list[list[_Sentence]]


_answers = msgspec.json.Decoder(_Answer)


class Asked(Struct, frozen=True):
    """What a model is to answer, in which language, from which passages, best first.

    `before` are the exchanges before this one, oldest first, `earlier` the titles of those before them.
    """

    question: str
    language: str
    hits: tuple[Hit, ...]
    before: tuple[Exchange, ...] = ()
    earlier: tuple[str, ...] = ()


def prompt(template: Template, asked: Asked, room: int, count: Callable[[str], int]) -> Prompt:
    """Pack the question, the talk before it, and as many passages as fit into `room` tokens with the answer.

    The talk gets at most `TALK` of what is left beside the question, the newest exchanges first; passages the
    rest, best first.

    Passages and question are JSON strings in a message of their own, so that nothing in them can end them
    (delimiting; Hines et al., Defending against indirect prompt injection with spotlighting, 2024).
    Raises `DataFileError` when not even the question fits.
    """
    left = room - template.max_tokens - count(template.system) - SPARE
    said = {"question": asked.question, "language": asked.language}
    left -= count(_json(said | {"passages": []}))
    if left < 0:
        raise DataFileError("question_too_long", "the question does not fit into the model's context.")
    talk, used = _talk(asked, int(left * TALK), count)
    left -= used
    packed: list[dict[str, object]] = []
    for number, hit in enumerate(asked.hits, 1):
        one: dict[str, object] = {
            "number": number,
            "title": hit.passage.title,
            "heading": hit.passage.heading,
            "text": hit.passage.body,
        }
        left -= count(_json(one))
        if left < 0:
            break
        packed.append(one)
    user = _json({**said, **talk, "passages": packed})
    return Prompt(template.version, template.system, user, template.max_tokens, template.temperature)


def _talk(asked: Asked, room: int, count: Callable[[str], int]) -> tuple[dict[str, object], int]:
    """What was said before, as far as it fits into `room` tokens, and the tokens used."""
    found: dict[str, object] = {}
    used = 0
    for kept, one in enumerate(reversed(asked.before), 1):
        used += count(_json(one))
        if used > room:
            break
        found = {"before": asked.before[-kept:]}
    else:
        if asked.earlier and count(_json(asked.earlier)) <= room - used:
            found = {"earlier": asked.earlier, **found}
    return found, count(_json(found)) if found else 0


def read_draft(written: str, hits: Sequence[Hit]) -> Draft:
    """The draft that a model wrote. Raises `DataFileError` when it is not in the agreed form.

    Statements that cite nothing that was given keep their number; no judge lets them through.
    """
    try:
        return _draft(_answers.decode(_bare(written)), hits)
    except msgspec.DecodeError as error:
        raise DataFileError("bad_draft", f"it is not in the agreed form ({error}).") from error


def read_so_far(written: str, hits: Sequence[Hit]) -> Draft | None:
    """The whole statements of a draft that is still being written; None while they cannot be read."""
    start, end = written.find("{"), written.rfind("}")
    try:
        return _draft(_answers.decode(f"{written[start : end + 1]}]]}}"), hits)
    except (msgspec.DecodeError, DataFileError):
        return None


def _draft(answer: _Answer, hits: Sequence[Hit]) -> Draft:
    paragraphs = tuple(
        tuple(Statement(text, one.passage) for one in paragraph if (text := MARKER.sub("", one.text).strip()))
        for paragraph in answer.paragraphs
    )
    if sum(map(len, paragraphs)) > MAX_STATEMENTS:
        raise DataFileError("bad_draft", f"it has more than {MAX_STATEMENTS} statements.")
    used = {statement.citation for paragraph in paragraphs for statement in paragraph}
    citations = tuple(citation(number, hit) for number, hit in enumerate(hits, 1) if number in used)
    return Draft(tuple(paragraph for paragraph in paragraphs if paragraph), citations)


def _bare(written: str) -> str:
    """The JSON in an answer; models without structured output put it into a fence."""
    start, end = written.find("{"), written.rfind("}")
    return written[start : end + 1] if 0 <= start < end else written


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
