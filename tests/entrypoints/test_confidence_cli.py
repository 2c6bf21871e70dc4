"""`casepilot confidence`: fitted on labelled questions, through the whole turn."""

import pytest

from adapters.starter.loader import DATA
from domain.answer_measures import Question
from domain.confidence import FEATURES
from domain.errors import DataFileError
from entrypoints.cli.answers import read_questions
from entrypoints.cli.calibrate import drawn, fit, print_report
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION

pytestmark = pytest.mark.anyio


async def test_confidence_is_fitted_and_what_a_budget_buys_is_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = read_questions(DATA / "evaluation" / "confidence.jsonl")

    found = await fit(settings, ORGANIZATION, questions[::3])
    print_report(found)

    assert set(found.weights) == {"bias", *FEATURES}
    assert sum(one.count for one in found.bins) == found.labels > 100
    assert found.ece < 0.15
    assert [one.coverage for one in found.budgets] == sorted(one.coverage for one in found.budgets)
    said = capsys.readouterr().out
    assert "right = [" in said
    assert "wrong at most" in said
    picture = drawn(found)
    assert picture.count("<circle") == len(found.bins)
    assert picture.startswith("<svg")


async def test_too_few_labels_are_told(settings: Settings) -> None:
    with pytest.raises(DataFileError, match="too few labelled answers"):
        await fit(settings, ORGANIZATION, [Question("How do I reset my password?")])
