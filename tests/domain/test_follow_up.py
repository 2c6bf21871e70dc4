"""Questions that lean on the question before them."""

import pytest

from domain.conversation import Context
from domain.follow_up import question_for

BEFORE = "How do I lock a row?"


@pytest.mark.parametrize(
    "text",
    [
        "and in Apex?",
        "What about Flow?",
        "And what about Flow?",
        "and how?",
        "it still fails",
        "okay but in Apex",
        "why",
    ],
)
def test_a_short_follow_up_is_read_together_with_the_question_before(text: str) -> None:
    assert question_for(text, Context(last_question=BEFORE)) == f"{BEFORE} {text}"


@pytest.mark.parametrize(
    "text",
    [
        "Android app login",
        "How do I delete it?",
        "and how do I delete a flow version?",
        "Why does my flow fail?",
        "and the nightly batch job fails with heap size errors",
        "italian address format",
    ],
)
def test_a_question_of_its_own_stands_alone(text: str) -> None:
    assert question_for(text, Context(last_question=BEFORE)) == text


def test_a_follow_up_to_nothing_stands_alone() -> None:
    assert question_for("and in Apex?", Context()) == "and in Apex?"


def test_blanks_around_a_question_do_not_count() -> None:
    assert question_for("  and in Apex?\n", Context(last_question=BEFORE)) == f"{BEFORE} and in Apex?"
