"""`casepilot eval answers` through the whole turn."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.answer import Citation
from domain.errors import DataFileError
from entrypoints.cli.answers import evaluate, print_report, read_questions, supported_statements
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION

QUESTIONS: list[dict[str, Any]] = [
    {"question": "How do I reset my password?", "must_contain": ["Forgot Your Password"], "id": "first"},
    {"question": "what is the weather in Rome", "expected": "decline_or_redirect"},
    {"question": "I want to talk to a human right now", "expected": "escalate"},
]


@pytest.mark.anyio
async def test_questions_are_asked_and_the_rows_are_the_answers(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "questions.jsonl", tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, QUESTIONS)) + "\n\n")

    found = await evaluate(settings, ORGANIZATION, read_questions(path), out)
    print_report(found)

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["first", "2", "3"]
    assert [row["question"] for row in rows] == [one["question"] for one in QUESTIONS]
    assert rows[0]["right"] is True
    assert rows[0]["citations"]
    assert rows[2]["requires_escalation"] is True
    assert (found["all_contained"], found["declined"], found["escalation_recall"]) == (100.0, 100.0, 100.0)
    assert found["citation_support"] == 100.0
    assert "all contained" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no questions"),
        ("nonsense\n", ":1: "),
        ('{"question": "a", "expected": "dance"}', "expected is one of"),
        ('{"question": 7}', "Expected `str`"),
    ],
)
def test_questions_that_are_not_right_are_named_with_their_line(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text)

    with pytest.raises(DataFileError, match=words):
        read_questions(path)


def test_statements_are_held_to_the_passage_that_they_cite() -> None:
    def cite(number: int, text: str) -> Citation:
        return Citation(number, "A", "T", "", "A#1", text, "c", "all", 1.0)

    text = "For API version 61.0.\n\nOne is true. [1] Two is made up. [1]\n\n```apex\na[0];\n\nb;\n```\n[2]"
    cited = [cite(1, "One is true. More."), cite(2, "```apex\na[0];\n\nb;\n```")]

    assert supported_statements(text, cited) == (2, 3)
