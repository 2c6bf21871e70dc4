"""The compiled rules decide as the explained ones do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.condition import MAX_LEAVES, MAX_LISTED, Comparison, Condition, Group
from domain.rules.evaluate import verdict
from domain.rules.facts import Facts
from domain.rules.jsonlogic import CompiledRules, to_jsonlogic
from domain.rules.ruleset import MAX_VALUES
from tests.domain.rules.conditions import cases

ENTERPRISE = Comparison("customer_tier", "==", "enterprise")
ANGRY = Comparison("sentiment_score", "<", -0.5)


@settings(max_examples=200)
@given(cases())
def test_a_rule_fires_exactly_when_it_is_explained_as_true(case: tuple[Condition, Facts]) -> None:
    condition, known = case

    [fires] = CompiledRules([condition]).fired(known)

    assert fires is (verdict(condition, known) is True)


@settings(max_examples=100)
@given(cases())
def test_the_negation_fires_exactly_when_the_rule_is_explained_as_false(
    case: tuple[Condition, Facts],
) -> None:
    condition, known = case

    [fires] = CompiledRules([Group("NOT", (condition,))]).fired(known)

    assert fires is (verdict(condition, known) is False)


@settings(max_examples=25)
@given(st.lists(cases(), max_size=6))
def test_rules_compiled_together_decide_as_they_do_alone(drawn: list[tuple[Condition, Facts]]) -> None:
    several = [condition for condition, _ in drawn]
    known = {name: value for _, facts in drawn for name, value in facts.items()}

    together = CompiledRules(several).fired(known)

    assert together == [CompiledRules([condition]).fired(known)[0] for condition in several]


@pytest.mark.parametrize(("operator", "fires"), [("in", False), ("not_in", True)])
def test_the_largest_rule_set_stays_within_the_budget(operator: str, fires: bool) -> None:
    listed = Comparison("intent", operator, tuple(f"i{number}" for number in range(MAX_LISTED)))
    rule = Group("AND" if fires else "OR", (listed,) * MAX_LEAVES)
    count = MAX_VALUES // (MAX_LISTED * MAX_LEAVES)

    fired = CompiledRules([rule] * count).fired({"intent": "another"})

    assert fired == [fires] * count


def test_no_rules_fire_nothing() -> None:
    assert CompiledRules([]).fired({"sentiment_score": -1}) == []


def test_facts_that_are_not_declared_do_not_reach_the_engine() -> None:
    undeclared: Facts = {"sentiment_score": -0.9, "secret": "\ud800"}

    assert CompiledRules([ANGRY]).fired(undeclared) == [True]


@pytest.mark.parametrize(
    ("condition", "logic"),
    [
        (
            ANGRY,
            {"and": [{"!==": [{"var": "sentiment_score"}, None]}, {"<": [{"var": "sentiment_score"}, -0.5]}]},
        ),
        (Comparison("language", "exists", True), {"!==": [{"var": "language"}, None]}),
        (Comparison("language", "exists", False), {"===": [{"var": "language"}, None]}),
        (
            Group("NOT", (ANGRY,)),
            {
                "and": [
                    {
                        "and": [
                            {"!==": [{"var": "sentiment_score"}, None]},
                            {">=": [{"var": "sentiment_score"}, -0.5]},
                        ]
                    }
                ]
            },
        ),
    ],
    ids=["comparison", "exists", "does not exist", "negation at the leaf"],
)
def test_a_condition_reads_as_json_logic(condition: Condition, logic: object) -> None:
    assert to_jsonlogic(condition) == logic
