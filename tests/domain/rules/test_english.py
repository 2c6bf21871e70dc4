"""Conditions as sentences."""

import pytest
from hypothesis import given, settings

from domain.rules.condition import Comparison, Condition, Group
from domain.rules.english import parse, say
from domain.rules.facts import RuleError
from tests.domain.rules.conditions import SCHEMA, conditions

ANGRY = Comparison("sentiment_score", "<", -0.5)
WEB = Comparison("channel", "==", "web")
CODE = Comparison("has_code", "==", True)


@settings(max_examples=300)
@given(conditions)
def test_a_sentence_is_read_back_as_the_condition_it_says(condition: Condition) -> None:
    assert parse(say(condition, SCHEMA), "R-1", SCHEMA) == condition


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (ANGRY, "sentiment score is less than -0.5"),
        (
            Group("AND", (ANGRY, Comparison("issue_type", "in", ("billing", "security")))),
            'sentiment score is less than -0.5 and issue type is one of "billing", "security"',
        ),
        (
            Group("AND", (ANGRY, Group("OR", (WEB, CODE)))),
            'sentiment score is less than -0.5 and (channel is "web" or has code is true)',
        ),
        (Group("NOT", (WEB, CODE)), 'none of (channel is "web"; has code is true)'),
        (Group("OR", (WEB,)), 'any of (channel is "web")'),
        (Comparison("hour_utc", "between", (9, 17)), "hour utc is between 9 and 17"),
        (Comparison("renews_at", "within", "next_30_days"), "renews at is within the next 30 days"),
        (Comparison("language", "exists", False), "language is unknown"),
        (Comparison("message_text", "matches", "inv.*"), 'message text matches "inv.*"'),
    ],
)
def test_conditions_read_as_english(condition: Condition, sentence: str) -> None:
    assert say(condition, SCHEMA) == sentence
    assert parse(f"{sentence}.", "R-1", SCHEMA) == condition


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("sentimnt score is less than 0", "R-1: 'sentimnt' begins no fact; did you mean 'sentiment_score'?"),
        (
            'channel is "web" and has code is true or language is "en"',
            "R-1: at 'or', word 9: expected parentheses: 'and' and 'or' side by side read in two ways.",
        ),
        (
            "channel is web",
            "R-1: at 'web', word 3: expected a number, true, false, or a text in double quotes.",
        ),
        ('(channel is "web"', "R-1: at 'the end', word 5: expected ')'."),
        ('channel is "web" has', "R-1: at 'has', word 4: expected 'and', 'or' or the end."),
        ("", "R-1: 'the end' begins no fact."),
        ("channel is \u2620", "R-1: cannot read on from ' \u2620'."),
        ("channel is", "R-1: at 'the end', word 3: expected more."),
        ("sentiment score is less than -5", "R-1: -5 is outside -1..1 for 'sentiment_score'."),
    ],
)
def test_a_sentence_that_is_not_right_is_refused_where_it_goes_wrong(sentence: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse(sentence, "R-1", SCHEMA)

    assert str(refused.value) == message


def test_ten_thousand_parentheses_are_refused_without_harm() -> None:
    with pytest.raises(RuleError):
        parse("(" * 10_000, "R-1", SCHEMA)
