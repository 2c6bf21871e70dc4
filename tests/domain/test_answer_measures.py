"""What answers are worth, on questions of which it is known what a right answer holds."""

from typing import Any

import pytest

from domain.answer_measures import Given, Mention, Question, checked_question, measured, summary
from domain.errors import DataFileError


def given(text: str = "", **changes: Any) -> Given:
    values: dict[str, Any] = {
        "answered": True,
        "escalated": False,
        "confidence": 0.8,
        "response_type": "technical",
        "spoken": "en",
        "entities": (),
        "supported": 1,
        "statements": 1,
        "ms": 10.0,
    }
    return Given(text, **{**values, **changes})


def test_a_fact_is_there_in_one_of_its_forms_whatever_the_case() -> None:
    question = Question("?", must_contain=("Forgot  your password|reset link", "24 hours| one day"))

    assert measured(question, given("Click FORGOT YOUR\nPassword.")).facts == (True, False)
    assert measured(question, given("The reset link lasts one day.")).right
    assert not measured(question, given("The reset link lasts one day.", answered=False)).right


def test_the_summary_counts_each_kind_by_itself() -> None:
    asked = [
        (Question("a", must_contain=("x",), response_type="technical", family="f"), given("x")),
        (Question("b", must_contain=("x", "y"), response_type="informational"), given("x", supported=0)),
        (Question("c", expected="decline_or_redirect"), given("no", answered=False)),
        (Question("d", expected="escalate"), given("", escalated=True, answered=False)),
        (Question("e", expected="escalate", entities=(Mention("ERROR", "`E1`"),)), given("", answered=False)),
        (Question("f", must_contain=("z",)), given("", escalated=True, answered=False)),
        (Question("g", lang="de", expected="answer_in_same_language"), given("", spoken="de")),
    ]

    found: Any = summary([measured(question, said) for question, said in asked])

    assert found["answered"] == 66.7
    assert found["must_contain_recall"] == 50.0
    assert found["all_contained"] == 33.3
    assert found["response_type_accuracy"] == 50.0
    assert found["entity_recall"] == 0.0
    assert found["declined"] == 100.0
    assert (found["escalation_precision"], found["escalation_recall"]) == (50.0, 50.0)
    assert found["same_language"] == 100.0
    assert found["citation_support"] == 85.7
    assert found["calibration"] == {
        "answers": 2,
        "mean_confidence": 80.0,
        "right": 50.0,
        "ece": 30.0,
        "brier": 0.34,
    }
    assert set(found["by_family"]) == {"f", "other"}


def test_an_expectation_that_there_is_not_is_named() -> None:
    with pytest.raises(DataFileError, match=r"q\.jsonl:3: expected is one of answer"):
        checked_question(Question("?", expected="dance"), "q.jsonl:3")
