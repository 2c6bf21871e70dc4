"""`casepilot eval answers`: questions through the whole turn, and what the answers are worth."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import msgspec

from domain.answer import Citation
from domain.answer_measures import Given, Mention, Question, Row, checked_question, measured, summary
from domain.conversation import Channel
from domain.errors import DataFileError
from domain.grounding import says
from domain.ids import MessageId, OrganizationId, UserId
from domain.plan import Outcome
from entrypoints.bootstrap import App, open_app
from entrypoints.cli.output import progress, show
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.reply import Reply
from ports.inbound.start import Start

CITED = re.compile(r"(.+?)\s\[(\d{1,2})\](?=\s|$)", re.DOTALL)
"""A statement, after what comes before it, and the number of its citation."""
TABLE = (
    ("questions", "{:.0f}"),
    ("answered", "{:.1f}%"),
    ("all_contained", "{:.1f}%"),
    ("declined", "{:.1f}%"),
    ("escalation_recall", "{:.1f}%"),
)


def read_questions(path: Path) -> list[Question]:
    """The questions of a JSONL file. Raises `DataFileError` with the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError("unreadable", f"{path}: {error}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            question = msgspec.json.decode(line, type=Question)
        except msgspec.DecodeError as error:
            raise DataFileError("bad_line", f"{path}:{number}: {error}.") from error
        found.append(checked_question(question, f"{path}:{number}"))
    if not found:
        raise DataFileError("no_questions", f"{path}: there are no questions in it.")
    return found


async def evaluate(
    settings: Settings, organization: OrganizationId, questions: Sequence[Question], out: Path | None
) -> dict[str, Any]:
    """Ask each in a conversation of its own; the summary. Rows go to `out` as they come."""
    rows: list[Row] = []
    async with open_app(settings) as app:
        with progress() as bar:
            task = bar.add_task("Asking", total=len(questions))
            file = out.open("wb") if out else None
            try:
                for number, question in enumerate(questions, 1):
                    answer, encoded, ms = await asked(app, organization, question)
                    row = measured(question, _given(app, answer, ms))
                    rows.append(row)
                    if file is not None:
                        file.write(_line(row, number, encoded))
                    bar.update(task, completed=number)
            finally:
                if file is not None:
                    file.close()
    found: dict[str, Any] = summary(rows)
    return found


def print_report(found: Mapping[str, Any]) -> None:
    """The figures for people."""
    whole = {name: value for name, value in found.items() if not isinstance(value, dict)}
    for name, value in whole.items():
        unit = "" if name == "questions" else " ms" if name.startswith("ms_") else "%"
        show(f"{name.replace('_', ' '):<26}{'-' if value is None else f'{value:g}{unit}':>10}")
    if found["calibration"]:
        one = found["calibration"]
        show(
            f"confidence: {one['mean_confidence']:g}% on average, {one['right']:g}% right of {one['answers']}"
            f" answers, ECE {one['ece']:g}, Brier {one['brier']:g}"
        )
    for part in ("by_set", "by_family"):
        show(f"\n{part[3:]:<22}" + "".join(f"{name.replace('_', ' '):>19}" for name, _ in TABLE))
        for name, rates in found[part].items():
            cells = ("-" if rates[key] is None else form.format(rates[key]) for key, form in TABLE)
            show(f"  {name:<20}" + "".join(f"{cell:>19}" for cell in cells))


async def asked(app: App, organization: OrganizationId, question: Question) -> tuple[Answer, bytes, float]:
    """Ask in a conversation of its own: the answer, as it was encoded, and its milliseconds."""
    metadata = dict(question.context)
    started = await app.start(Start(organization, UserId(uuid4()), Channel.API, metadata))
    command = Reply(
        organization, started.conversation.id, MessageId(app.ports.ids.fresh()), question.question
    )
    began = perf_counter()
    encoded = await app.reply(command)
    return msgspec.json.decode(encoded, type=Answer), encoded, 1_000 * (perf_counter() - began)


def _given(app: App, answer: Answer, ms: float) -> Given:
    supported, total = supported_statements(answer.response, answer.citations)
    return Given(
        answer.response,
        answer.why.outcome is Outcome.ANSWERED,
        answer.requires_escalation,
        answer.confidence,
        answer.response_type,
        app.ports.languages.detect(answer.response).code,
        tuple(Mention(one.type, one.text) for one in answer.entities),
        supported,
        total,
        ms,
    )


def supported_statements(text: str, citations: Sequence[Citation]) -> tuple[int, int]:
    """Of the statements that carry the number of a citation, those that it holds word for word, and all."""
    cited = {citation.number: citation.text for citation in citations}
    marked = [(_last(before), int(number)) for before, number in CITED.findall(text)]
    good = sum(number in cited and says(cited[number], statement) for statement, number in marked)
    return good, len(marked)


def _last(before: str) -> str:
    """The statement at the end of a text: a code block, or the rest of a paragraph."""
    fence = before.find("```")
    return before[fence:] if fence >= 0 else before.rpartition("\n\n")[2]


def _line(row: Row, number: int, encoded: bytes) -> bytes:
    """A row for people who look at single answers: `ask`'s object with what was expected."""
    question = row.question
    facts = dict(zip(question.must_contain, row.facts, strict=True))
    expected = {"id": question.id or str(number), "question": question.question, "facts": facts}
    asked = msgspec.json.decode(encoded) | expected | {"expected": question.expected, "right": row.right}
    return msgspec.json.encode(asked) + b"\n"
