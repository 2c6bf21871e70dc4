"""Conditions: what is read, and every way to be refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.condition import (
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_LISTED,
    OPERATORS,
    Comparison,
    Group,
    leaves,
    parse_condition,
)
from domain.rules.facts import Kind, RuleError
from domain.rules.jsonlogic import CompiledRules
from tests.domain.rules.conditions import FACTS, SCHEMA

ANGRY = {"field": "sentiment_score", "operator": "<", "value": -0.5}


def compare(field: str, operator: str, value: object = None) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


def nested(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = dict(ANGRY)
    for _ in range(levels - 1):
        condition = {"operator": "AND", "rules": [condition]}
    return condition


def refusal(raw: object) -> tuple[str, str]:
    with pytest.raises(RuleError) as refused:
        parse_condition(raw, "R-1", SCHEMA)
    return refused.value.code, str(refused.value)


def outcome(raw: object) -> str:
    try:
        condition = parse_condition(raw, "R-1", SCHEMA)
    except RuleError as refused:
        return str(refused)
    return str(CompiledRules([condition], SCHEMA).fired({}))


def test_a_tree_is_read_as_written() -> None:
    raw = {
        "operator": "AND",
        "rules": [ANGRY, {"operator": "not", "rules": [compare("has_code", "==", True)]}],
    }

    condition = parse_condition(raw, "R-1", SCHEMA)

    assert condition == Group(
        "AND",
        (
            Comparison("sentiment_score", "<", -0.5),
            Group("NOT", (Comparison("has_code", "==", True),)),
        ),
    )
    assert [leaf.field for leaf in leaves(condition)] == ["sentiment_score", "has_code"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (compare("issue_type", "in", ["billing", "security"]), ("billing", "security")),
        (compare("weekday", "not_in", [6, 7]), (6, 7)),
        (compare("customer_tier", "starts_with", "enter"), "enter"),
        (compare("signals", "contains", "churn"), "churn"),
        (compare("error_codes", "contains", "UNABLE_TO_LOCK_ROW"), "UNABLE_TO_LOCK_ROW"),
        (compare("language", "exists", False), False),
        ({"field": "language", "operator": "exists"}, True),
        (compare("sentiment_score", ">=", -1), -1),
        (compare("sentiment_score", "<=", 1), 1),
        (compare("message_count", ">", 1_000_000), 1_000_000),
    ],
)
def test_values_of_every_kind_are_read(raw: object, value: object) -> None:
    condition = parse_condition(raw, "R-1", SCHEMA)

    assert isinstance(condition, Comparison)
    assert condition.value == value


@pytest.mark.parametrize(
    ("kind", "operator"), [(kind, operator) for kind, listed in OPERATORS.items() for operator in listed]
)
def test_every_operator_of_every_kind_is_read(kind: Kind, operator: str) -> None:
    fact = next(f for f in FACTS.values() if f.kind is kind and not f.values)
    one: dict[Kind, object] = {
        Kind.NUMBER: 1,
        Kind.TEXT: "x",
        Kind.BOOLEAN: True,
        Kind.LIST: "x",
        Kind.TIME: "2026-03-01T09:00:00+01:00",
    }
    several = {"in": [one[kind]], "not_in": [one[kind]], "between": [one[kind]] * 2}
    value = {**several, "exists": True, "within": "last_30_days"}.get(operator, one[kind])

    condition = parse_condition(compare(fact.name, operator, value), "R-1", SCHEMA)

    assert isinstance(condition, Comparison)
    assert condition.operator == operator


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        pytest.param(
            compare("sentimnt_score", "<", 0),
            "unknown_fact",
            "R-1: there is no fact called 'sentimnt_score'; did you mean 'sentiment_score'?",
            id="unknown fact",
        ),
        pytest.param({}, "unknown_fact", "R-1: there is no fact called ''.", id="no field"),
        pytest.param(
            compare("sentiment_score", "=<", 0),
            "bad_operator",
            "R-1: 'sentiment_score' (number) cannot use '=<';"
            " it takes ==, !=, <, <=, >, >=, in, not_in, between, exists.",
            id="unknown operator",
        ),
        pytest.param(
            compare("customer_tier", "<", "free"),
            "bad_operator",
            "R-1: 'customer_tier' (text) cannot use '<';"
            " it takes ==, !=, in, not_in, contains, starts_with, matches, exists.",
            id="order of texts",
        ),
        pytest.param(
            compare("has_code", "contains", True),
            "bad_operator",
            "R-1: 'has_code' (boolean) cannot use 'contains'; it takes ==, !=, exists.",
            id="contains of a boolean",
        ),
        pytest.param(
            compare("signals", "==", "churn"),
            "bad_operator",
            "R-1: 'signals' (list) cannot use '=='; it takes contains, exists.",
            id="equality of a list",
        ),
        pytest.param(
            {"field": "language"},
            "bad_operator",
            "R-1: 'language' (text) cannot use '';"
            " it takes ==, !=, in, not_in, contains, starts_with, matches, exists.",
            id="no operator",
        ),
        pytest.param(
            compare("sentiment_score", "<", "low"),
            "bad_value",
            "R-1: 'sentiment_score' is a number; got the text 'low'.",
            id="text for a number",
        ),
        pytest.param(
            compare("sentiment_score", "<"),
            "bad_value",
            "R-1: 'sentiment_score' is a number; got None.",
            id="no value",
        ),
        pytest.param(
            compare("message_count", "==", True),
            "bad_value",
            "R-1: 'message_count' is a number; got True.",
            id="boolean for a number",
        ),
        pytest.param(
            compare("sentiment_score", "<", float("nan")),
            "bad_value",
            "R-1: 'sentiment_score' is a number; got nan.",
            id="NaN",
        ),
        pytest.param(
            compare("weekday", "in", [1, True]),
            "bad_value",
            "R-1: 'weekday' is a number; got True.",
            id="boolean in a list of numbers",
        ),
        pytest.param(
            compare("has_code", "==", 1),
            "bad_value",
            "R-1: 'has_code' needs true or false; got 1.",
            id="number for a boolean",
        ),
        pytest.param(
            compare("has_code", "exists", "yes"),
            "bad_value",
            "R-1: 'has_code' needs true or false; got the text 'yes'.",
            id="text for exists",
        ),
        pytest.param(
            compare("language", "==", 5),
            "bad_value",
            "R-1: 'language' is a text; got 5.",
            id="number for a text",
        ),
        pytest.param(
            compare("customer_tier", "==", "entreprise"),
            "bad_value",
            "R-1: the text 'entreprise' is not a value of 'customer_tier'; did you mean 'enterprise'?",
            id="unknown value",
        ),
        pytest.param(
            compare("signals", "contains", "weather"),
            "bad_value",
            "R-1: the text 'weather' is not a value of 'signals'.",
            id="unknown signal",
        ),
        pytest.param(
            compare("issue_type", "in", ["billing", "securty"]),
            "bad_value",
            "R-1: the text 'securty' is not a value of 'issue_type'; did you mean 'security'?",
            id="unknown value in a list",
        ),
        pytest.param(
            compare("issue_type", "in", "billing"),
            "bad_value",
            "R-1: 'issue_type' needs a list of values, got the text 'billing'.",
            id="text for a list",
        ),
        pytest.param(
            compare("issue_type", "in", []),
            "bad_value",
            "R-1: 'issue_type' needs a list of values, got [].",
            id="empty list",
        ),
        pytest.param(
            compare("sentiment_score", "<", -1.5),
            "out_of_range",
            "R-1: -1.5 is outside -1..1 for 'sentiment_score'.",
            id="below the range",
        ),
        pytest.param(
            compare("hour_utc", ">", 24),
            "out_of_range",
            "R-1: 24 is outside 0..23 for 'hour_utc'.",
            id="above the range",
        ),
        pytest.param(
            compare("message_count", ">", -1),
            "out_of_range",
            "R-1: -1 is outside 0.. for 'message_count'.",
            id="below an open range",
        ),
        pytest.param(
            {"operator": "AND", "rules": []},
            "empty_group",
            "R-1: the AND group has no rules. Add one or remove the group.",
            id="empty group",
        ),
        pytest.param(
            {"operator": "or", "rules": "sentiment_score < 0"},
            "empty_group",
            "R-1: the OR group has no rules. Add one or remove the group.",
            id="text for rules",
        ),
        pytest.param(
            {"operator": "XOR", "rules": [ANGRY]},
            "bad_group",
            "R-1: a group's operator is AND, OR or NOT, got the text 'XOR'.",
            id="unknown connective",
        ),
        pytest.param(
            {"rules": [ANGRY]},
            "bad_group",
            "R-1: a group's operator is AND, OR or NOT, got None.",
            id="no connective",
        ),
        pytest.param(
            "sentiment_score < 0",
            "bad_condition",
            "R-1: a condition is an object, got the text 'sentiment_score < 0'.",
            id="text for a condition",
        ),
        pytest.param(
            {"operator": "AND", "rules": [ANGRY, None]},
            "bad_condition",
            "R-1: a condition is an object, got None.",
            id="null in a group",
        ),
        pytest.param(
            nested(MAX_DEPTH + 1),
            "too_deep",
            "R-1: conditions nest deeper than 8. Split the rule.",
            id="too deep",
        ),
        pytest.param(
            {"operator": "OR", "rules": [ANGRY] * (MAX_LEAVES + 1)},
            "too_many_comparisons",
            "R-1: more than 64 comparisons. Split the rule.",
            id="too many comparisons",
        ),
        pytest.param(
            {"operator": "OR", "rules": [{"operator": "AND", "rules": [ANGRY] * 33}] * 2},
            "too_many_comparisons",
            "R-1: more than 64 comparisons. Split the rule.",
            id="too many comparisons in two groups",
        ),
    ],
)
def test_a_wrong_condition_is_refused_with_a_message_that_helps(raw: object, code: str, message: str) -> None:
    assert refusal(raw) == (code, message)


@pytest.mark.parametrize(
    "value", [float("inf"), 10**30, 10**400], ids=["infinite", "30 digits", "400 digits"]
)
def test_a_number_that_the_engine_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(RuleError):
        parse_condition(compare("message_count", "<", value), "R-1", SCHEMA)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"field": "language", "operator": "exists", "vaule": False},
            "R-1: a condition has no 'vaule'; did you mean 'value'?",
        ),
        (
            {"operator": "AND", "rules": [ANGRY], "rule": [ANGRY]},
            "R-1: a condition has no 'rule'; did you mean 'rules'?",
        ),
        ({"operator": "AND", "rules": [ANGRY], **ANGRY}, "R-1: a condition has no 'field'."),
    ],
    ids=["of a comparison", "of a group", "of both at once"],
)
def test_a_key_that_does_not_belong_is_not_silently_ignored(raw: object, message: str) -> None:
    assert refusal(raw) == ("unknown_key", message)


@pytest.mark.parametrize("depth", [1, MAX_DEPTH])
def test_conditions_nest_up_to_the_limit(depth: int) -> None:
    condition = parse_condition(nested(depth), "R-1", SCHEMA)

    assert len(list(leaves(condition))) == 1


def test_comparisons_may_be_as_many_as_the_limit() -> None:
    condition = parse_condition({"operator": "OR", "rules": [ANGRY] * MAX_LEAVES}, "R-1", SCHEMA)

    assert len(list(leaves(condition))) == MAX_LEAVES


def test_a_list_may_hold_a_thousand_values() -> None:
    values = [f"intent_{number}" for number in range(MAX_LISTED)]

    condition = parse_condition(compare("intent", "in", values), "R-1", SCHEMA)

    assert isinstance(condition, Comparison)
    assert condition.value == tuple(values)
    assert refusal(compare("intent", "in", [*values, "one_more"])) == (
        "too_many_values",
        "R-1: 'intent' lists more than 1000 values.",
    )


@pytest.mark.parametrize(("value", "read"), [(2**53, True), (2**53 + 1, False)])
def test_numbers_are_read_while_they_are_exact(value: int, read: bool) -> None:
    expected = "[False]" if read else f"R-1: 'message_count' is a number; got {value}."

    assert outcome(compare("message_count", "==", value)) == expected


def test_a_condition_that_holds_itself_is_too_deep() -> None:
    endless: dict[str, object] = {"operator": "AND"}
    endless["rules"] = [endless]

    assert refusal(endless)[0] == "too_deep"


def test_a_hundred_thousand_levels_are_refused_without_harm() -> None:
    assert refusal(nested(100_000))[0] == "too_deep"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["field", "operator", "value", "rules"]), inner, max_size=4)
    ),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {
        "field": st.sampled_from(sorted(FACTS)),
        "operator": st.sampled_from(["==", "!=", "<", ">=", "in", "not_in", "contains", "exists"]),
        "value": JSON,
    }
)
GROUPED = st.fixed_dictionaries(
    {"operator": st.sampled_from(["AND", "or", "Not"]), "rules": st.lists(NEARLY | JSON, max_size=3)}
)


@given(JSON | NEARLY | GROUPED)
def test_junk_is_either_refused_or_can_be_run(raw: object) -> None:
    assert outcome(raw).startswith(("R-1: ", "[True]", "[False]"))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("last_24_hours", "last_1_day"),
        ("last_1_days", "last_1_day"),
        ("next_60_minutes", "next_1_hour"),
        ("last_90_minutes", "last_90_minutes"),
        ("last_0_days", "last_0_days"),
    ],
)
def test_spans_are_kept_in_the_largest_whole_unit(written: str, kept: str) -> None:
    raw = {"field": "now", "operator": "within", "value": written}

    assert parse_condition(raw, "R-1", SCHEMA) == Comparison("now", "within", kept)
