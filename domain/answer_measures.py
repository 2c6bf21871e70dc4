"""How good answers are, measured on questions of which it is known what a right answer holds."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, quantiles

import numpy as np
from msgspec import Struct

from domain.calibration import brier, expected_calibration_error
from domain.errors import DataFileError

ANSWER, DECLINE, ESCALATE, SAME_LANGUAGE = (
    "answer",
    "decline_or_redirect",
    "escalate",
    "answer_in_same_language",
)
EXPECTED = (ANSWER, DECLINE, ESCALATE, SAME_LANGUAGE)


class Mention(Struct, frozen=True):
    """An entity that a question names."""

    type: str
    text: str


class Question(Struct, frozen=True):
    """A question and what is expected. Each of `must_contain` names forms of one fact, separated by |."""

    question: str
    id: str = ""
    lang: str = "en"
    set: str = ""
    family: str = ""
    response_type: str = ""
    must_contain: tuple[str, ...] = ()
    entities: tuple[Mention, ...] = ()
    expected: str = ANSWER
    context: Mapping[str, object] = {}


class Given(Struct, frozen=True):
    """What was said to a question. `statements` are pairs of supported and all; `spoken` is its language."""

    text: str
    answered: bool
    escalated: bool
    confidence: float
    response_type: str
    spoken: str
    entities: tuple[Mention, ...]
    supported: int
    statements: int
    ms: float


class Row(Struct, frozen=True):
    """A question with what was said, and the facts that are in it."""

    question: Question
    given: Given
    facts: tuple[bool, ...]

    @property
    def right(self) -> bool:
        """Whether it was answered with all facts."""
        return self.given.answered and all(self.facts)


def measured(question: Question, given: Given) -> Row:
    """Look for each fact in what was said."""
    return Row(question, given, contained(question, given.text))


def contained(question: Question, text: str) -> tuple[bool, ...]:
    """For each fact whether one of its forms is in the text, case and spacing ignored."""
    said = " ".join(text.casefold().split())
    return tuple(
        any(" ".join(form.casefold().split()) in said for form in fact.split("|") if form.strip())
        for fact in question.must_contain
    )


def checked_question(question: Question, place: str) -> Question:
    """The question, or `DataFileError`."""
    if not question.question.strip():
        raise DataFileError("no_question", f"{place}: the question is empty.")
    if question.expected not in EXPECTED:
        raise DataFileError("bad_expected", f"{place}: expected is one of {', '.join(EXPECTED)}.")
    return question


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """All measures, overall, by family and by set. Rates are percentages, None where there is nothing."""
    spent = [row.given.ms for row in rows]
    return {
        **_rates(rows),
        "calibration": _calibration(rows),
        "ms_p50": round(float(np.percentile(spent, 50)), 1),
        "ms_p95": round(quantiles(spent, n=20)[18], 1) if len(spent) > 1 else round(spent[0], 1),
        "by_set": _by(rows, lambda row: row.question.set),
        "by_family": _by(rows, lambda row: row.question.family),
    }


def _rates(rows: Sequence[Row]) -> dict[str, object]:
    answerable = [row for row in rows if row.question.expected == ANSWER]
    with_facts = [row for row in answerable if row.facts]
    declinable = [row for row in rows if row.question.expected == DECLINE]
    escalated = [row for row in rows if row.given.escalated]
    urgent = [row for row in rows if row.question.expected == ESCALATE]
    spoken = [row for row in rows if row.question.expected == SAME_LANGUAGE]
    typed = [row for row in answerable if row.question.response_type and row.given.answered]
    mentions = [(one, row) for row in rows for one in row.question.entities]
    statements = sum(row.given.statements for row in rows)
    return {
        "questions": len(rows),
        "answered": _rate([row.given.answered for row in answerable]),
        "must_contain_recall": _rate([fact for row in with_facts for fact in row.facts]),
        "all_contained": _rate([row.right for row in with_facts]),
        "response_type_accuracy": _rate([r.given.response_type == r.question.response_type for r in typed]),
        "entity_recall": _rate([_mentioned(one, row) for one, row in mentions]),
        "declined": _rate([not row.given.answered and not row.given.escalated for row in declinable]),
        "escalation_precision": _rate([row.question.expected == ESCALATE for row in escalated]),
        "escalation_recall": _rate([row.given.escalated for row in urgent]),
        "same_language": _rate([row.given.spoken == row.question.lang for row in spoken]),
        "citation_support": _share(sum(row.given.supported for row in rows), statements),
    }


def _calibration(rows: Sequence[Row]) -> dict[str, float] | None:
    """Of what was answered: does the confidence say how often it is right?"""
    judged = [row for row in rows if row.given.answered and (row.facts or row.question.expected == DECLINE)]
    if not judged:
        return None
    said = np.array([row.given.confidence for row in judged])
    right = np.array([row.right and row.question.expected == ANSWER for row in judged])
    return {
        "answers": len(judged),
        "mean_confidence": round(100 * float(said.mean()), 1),
        "right": round(100 * float(right.mean()), 1),
        "ece": round(100 * expected_calibration_error(said, right), 1),
        "brier": round(brier(said, right), 3),
    }


def _mentioned(wanted: Mention, row: Row) -> bool:
    """Whether an entity of the type was found in the same place: one text is part of the other."""
    text = wanted.text.strip("`").casefold()
    found = [one.text.strip("`").casefold() for one in row.given.entities if one.type == wanted.type]
    return any(one in text or text in one for one in found)


def _by(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, dict[str, object]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row) or "other", []).append(row)
    return {name: _rates(group) for name, group in sorted(groups.items())}


def _rate(found: Sequence[bool]) -> float | None:
    return round(100 * mean(found), 1) if found else None


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
