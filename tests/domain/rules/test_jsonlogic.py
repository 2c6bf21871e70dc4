"""The compiled rules decide as the explained ones do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.condition import MAX_LEAVES, MAX_LISTED, Comparison, Condition, Group, leaves
from domain.rules.evaluate import verdict
from domain.rules.facts import Facts, RuleError
from domain.rules.jsonlogic import OPPOSITE, CompiledRules, Program, from_jsonlogic, to_jsonlogic
from domain.rules.ruleset import MAX_VALUES
from tests.domain.rules.conditions import SCHEMA, cases

SAYABLE = cases().filter(lambda case: all(leaf.operator != "matches" for leaf in leaves(case[0])))
"""Conditions that JSON-logic can say, with facts."""
ENTERPRISE = Comparison("customer_tier", "==", "enterprise")
ANGRY = Comparison("sentiment_score", "<", -0.5)


@settings(max_examples=200)
@given(SAYABLE)
def test_a_rule_fires_exactly_when_it_is_explained_as_true(case: tuple[Condition, Facts]) -> None:
    condition, known = case

    [fires] = CompiledRules([condition], SCHEMA).fired(SCHEMA.known(known))

    assert fires is (verdict(condition, SCHEMA.known(known)) is True)


@settings(max_examples=100)
@given(SAYABLE)
def test_the_negation_fires_exactly_when_the_rule_is_explained_as_false(
    case: tuple[Condition, Facts],
) -> None:
    condition, known = case

    [fires] = CompiledRules([Group("NOT", (condition,))], SCHEMA).fired(SCHEMA.known(known))

    assert fires is (verdict(condition, SCHEMA.known(known)) is False)


@settings(max_examples=25)
@given(st.lists(SAYABLE, max_size=6))
def test_rules_compiled_together_decide_as_they_do_alone(drawn: list[tuple[Condition, Facts]]) -> None:
    several = [condition for condition, _ in drawn]
    known = {name: value for _, facts in drawn for name, value in facts.items()}

    together = CompiledRules(several, SCHEMA).fired(SCHEMA.known(known))

    assert together == [
        CompiledRules([condition], SCHEMA).fired(SCHEMA.known(known))[0] for condition in several
    ]


@pytest.mark.parametrize(("operator", "fires"), [("in", False), ("not_in", True)])
def test_the_largest_rule_set_stays_within_the_budget(operator: str, fires: bool) -> None:
    listed = Comparison("intent", operator, tuple(f"i{number}" for number in range(MAX_LISTED)))
    rule = Group("AND" if fires else "OR", (listed,) * MAX_LEAVES)
    count = MAX_VALUES // (MAX_LISTED * MAX_LEAVES)

    fired = CompiledRules([rule] * count, SCHEMA).fired({"intent": "another"})

    assert fired == [fires] * count


def test_no_rules_fire_nothing() -> None:
    assert CompiledRules([], SCHEMA).fired(SCHEMA.known({"sentiment_score": -1})) == []


def test_facts_that_are_not_declared_do_not_reach_the_engine() -> None:
    undeclared: Facts = {"sentiment_score": -0.9, "secret": "\ud800"}

    assert CompiledRules([ANGRY], SCHEMA).fired(SCHEMA.known(undeclared)) == [True]


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
    assert to_jsonlogic(condition, SCHEMA) == logic


@settings(max_examples=200)
@given(SAYABLE)
def test_what_was_exported_is_imported_as_it_was_with_not_at_the_leaves(
    case: tuple[Condition, Facts],
) -> None:
    condition, _ = case

    back = from_jsonlogic(to_jsonlogic(condition, SCHEMA), "R-1", SCHEMA)

    assert back == pushed(condition)


@settings(max_examples=100)
@given(SAYABLE)
def test_pushing_not_to_the_leaves_changes_no_verdict(case: tuple[Condition, Facts]) -> None:
    condition, facts = case
    known = SCHEMA.known(facts)

    assert verdict(pushed(condition), known) is verdict(condition, known)


@pytest.mark.parametrize(
    ("logic", "condition"),
    [
        ({"<": [{"var": "sentiment_score"}, -0.5]}, ANGRY),
        ({">": [-0.5, {"var": ["sentiment_score"]}]}, ANGRY),
        ({"==": [{"var": "customer_tier"}, "enterprise"]}, ENTERPRISE),
        ({"===": ["enterprise", {"var": "customer_tier"}]}, ENTERPRISE),
        ({"!": {"in": [{"var": "weekday"}, [6, 7]]}}, Comparison("weekday", "not_in", (6, 7))),
        ({"<=": [9, {"var": "hour_utc"}, 17]}, Comparison("hour_utc", "between", (9, 17))),
        ({"in": ["churn", {"var": "signals"}]}, Comparison("signals", "contains", "churn")),
        ({"!=": [{"var": "language"}, None]}, Comparison("language", "exists", True)),
        (
            {"or": [{"!": [ANGRY_LOGIC := {"<": [{"var": "sentiment_score"}, -0.5]}]}]},
            Group("OR", (Group("NOT", (ANGRY,)),)),
        ),
        (
            {"and": [{"!==": [{"var": "language"}, None]}, ANGRY_LOGIC]},
            Group("AND", (Comparison("language", "exists", True), ANGRY)),
        ),
    ],
)
def test_common_json_logic_becomes_a_tree(logic: object, condition: Condition) -> None:
    assert from_jsonlogic(logic, "R-1", SCHEMA) == condition


@pytest.mark.parametrize(
    "logic",
    [
        {"+": [1, 2]},
        {"<": [{"var": "hour_utc"}, {"var": "weekday"}]},
        {"if": [True, 1, 2]},
        {"in": [1, 2]},
        {"<=": [1, 2, 3]},
        {"<=": [1, {"-": [{"var": "now"}, {"var": "renews_at"}]}, 7]},
        True,
        {},
        {"and": [], "or": []},
    ],
)
def test_what_no_tree_can_say_is_refused_with_the_reason(logic: object) -> None:
    with pytest.raises(RuleError) as refused:
        from_jsonlogic(logic, "R-1", SCHEMA)

    assert refused.value.code == "no_tree"
    assert str(refused.value).startswith("R-1: ")


def test_an_expression_is_unknown_while_a_fact_that_it_reads_is_missing() -> None:
    program = Program({">": [{"+": [{"var": "message_count"}, {"var": "failed_turns"}]}, 5]}, "R-1")

    assert program.reads == {"message_count", "failed_turns"}
    assert program.verdict({"message_count": 4, "failed_turns": 2}) is True
    assert program.verdict({"message_count": 2, "failed_turns": 2}) is False
    assert program.verdict({"message_count": 9}) is None


def test_a_bomb_runs_out_of_its_budget() -> None:
    bomb: object = 1
    for _ in range(30):
        bomb = {"map": [list(range(100)), bomb]}

    with pytest.raises(RuleError):
        Program(bomb, "R-1").value({})


def test_a_cyclic_expression_is_refused_before_any_engine_sees_it() -> None:
    endless: dict[str, object] = {}
    endless["!"] = [endless]

    with pytest.raises(RuleError) as refused:
        Program(endless, "R-1")

    assert refused.value.code == "too_large"


def pushed(condition: Condition, *, negated: bool = False) -> Condition:
    """The same condition with NOT only around comparisons that have no opposite."""
    if isinstance(condition, Comparison):
        if not negated:
            return condition
        if condition.operator == "exists":
            return Comparison(condition.field, "exists", not condition.value)
        if condition.operator in OPPOSITE:
            return Comparison(condition.field, OPPOSITE[condition.operator], condition.value)
        return Group("NOT", (condition,))
    disjunction = condition.operator != "AND"
    negated ^= condition.operator == "NOT"
    members = tuple(pushed(member, negated=negated) for member in condition.rules)
    return Group("OR" if disjunction != negated else "AND", members)
