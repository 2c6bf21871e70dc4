"""Explaining: true, false, or open for want of a fact."""

from itertools import product

import pytest

from domain.rules.condition import Comparison, Group
from domain.rules.evaluate import holds, verdict
from domain.rules.explain import trace
from domain.rules.facts import Facts
from tests.domain.rules.conditions import SCHEMA

YES = Comparison("has_code", "==", True)
NO = Comparison("has_code", "==", False)
OPEN = Comparison("has_attachments", "==", True)
KNOWN = {"has_code": True}
LEAVES = {True: YES, False: NO, None: OPEN}


@pytest.mark.parametrize(("left", "right"), list(product([True, False, None], repeat=2)))
def test_and_is_false_with_a_false_member_and_true_only_when_all_are(
    left: bool | None, right: bool | None
) -> None:
    expected = False if False in {left, right} else None if None in {left, right} else True

    assert verdict(Group("AND", (LEAVES[left], LEAVES[right])), KNOWN) is expected


@pytest.mark.parametrize(("left", "right"), list(product([True, False, None], repeat=2)))
def test_or_is_true_with_a_true_member_and_not_is_its_opposite(left: bool | None, right: bool | None) -> None:
    members = (LEAVES[left], LEAVES[right])
    expected = True if True in {left, right} else None if None in {left, right} else False

    assert verdict(Group("OR", members), KNOWN) is expected
    assert verdict(Group("NOT", members), KNOWN) is (None if expected is None else not expected)


@pytest.mark.parametrize(
    ("field", "operator", "value", "actual", "expected"),
    [
        ("sentiment_score", "==", 0.5, 0.5, True),
        ("message_count", "==", 3, 3.0, True),
        ("sentiment_score", "!=", 0.5, 0.5, False),
        ("sentiment_score", "<", -0.5, -0.5, False),
        ("sentiment_score", "<=", -0.5, -0.5, True),
        ("sentiment_score", ">", -0.5, -0.5, False),
        ("sentiment_score", ">=", -0.5, -0.5, True),
        ("weekday", "in", (6, 7), 7, True),
        ("weekday", "not_in", (6, 7), 7, False),
        ("channel", "in", ("web", "email"), "slack", False),
        ("channel", "not_in", ("web", "email"), "slack", True),
        ("language", "==", "en", "EN", False),
        ("message_text", "contains", "invoice", "my invoice is wrong", True),
        ("message_text", "contains", "Invoice", "my invoice is wrong", False),
        ("message_text", "starts_with", "my", "my invoice", True),
        ("message_text", "starts_with", "invoice", "my invoice", False),
        ("signals", "contains", "churn", ("urgent", "churn"), True),
        ("error_codes", "contains", "LOCK", ("UNABLE_TO_LOCK_ROW",), False),
        ("signals", "contains", "churn", (), False),
        ("has_code", "==", False, False, True),
        ("has_code", "!=", False, False, False),
    ],
)
def test_each_operator_compares_the_fact_with_the_value(
    field: str, operator: str, value: float | str | tuple[str, ...], actual: object, expected: bool
) -> None:
    facts: Facts = {field: actual}  # type: ignore[dict-item]  # the table holds every kind

    assert holds(Comparison(field, operator, value), SCHEMA.known(facts)) is expected


@pytest.mark.parametrize("facts", [{}, {"language": None}], ids=["absent", "None"])
def test_a_missing_fact_leaves_every_comparison_but_exists_open(facts: Facts) -> None:
    assert holds(Comparison("language", "!=", "en"), SCHEMA.known(facts)) is None
    assert holds(Comparison("language", "not_in", ("en",)), SCHEMA.known(facts)) is None
    assert holds(Comparison("language", "exists", True), SCHEMA.known(facts)) is False
    assert holds(Comparison("language", "exists", False), SCHEMA.known(facts)) is True


@pytest.mark.parametrize(
    ("field", "value"), [("has_code", False), ("message_count", 0), ("language", ""), ("signals", ())]
)
def test_a_fact_that_is_falsy_is_still_known(field: str, value: float | str | tuple[str, ...]) -> None:
    assert holds(Comparison(field, "exists", True), {field: value}) is True


def test_a_trace_lists_every_comparison_with_what_was_found() -> None:
    condition = Group("OR", (YES, Group("NOT", (OPEN,)), NO))

    checks = trace(condition, KNOWN, KNOWN, SCHEMA)

    assert [(check.field, check.actual, check.holds) for check in checks] == [
        ("has_code", True, True),
        ("has_attachments", None, None),
        ("has_code", True, False),
    ]


def test_a_trace_withholds_personal_data_and_nothing_else() -> None:
    facts: Facts = {"message_text": "my PIN is 1234", "customer_tier": "free"}
    condition = Group(
        "AND",
        (Comparison("message_text", "contains", "PIN"), Comparison("customer_tier", "==", "free")),
    )

    checks = trace(condition, facts, SCHEMA.known(facts), SCHEMA)

    assert [check.actual for check in checks] == ["(withheld)", "free"]
    assert [check.holds for check in checks] == [True, True]
    assert "1234" not in str(checks)
