"""The index says what evaluating every condition by itself says."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.condition import Comparison, Condition, Group
from domain.rules.evaluate import Known, verdict
from domain.rules.facts import Facts
from domain.rules.index import RuleIndex
from domain.rules.jsonlogic import Program
from domain.rules.normal import MAX_CLAUSES, boxes
from tests.domain.rules.conditions import SCHEMA, conditions, facts_of

SETS = st.lists(conditions, max_size=8)
ANGRY = Comparison("sentiment_score", "<", -0.5)
ENTERPRISE = Comparison("customer_tier", "==", "enterprise")
CHURN = Comparison("signals", "contains", "churn")


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Condition], Facts]:
    several = draw(SETS)
    return several, draw(facts_of(several))


@settings(max_examples=300)
@given(situations())
def test_certain_and_first_are_what_naive_evaluation_finds(situation: tuple[list[Condition], Facts]) -> None:
    several, facts = situation
    known = SCHEMA.known(facts)
    index = RuleIndex(several, SCHEMA)

    naive = tuple(place for place, one in enumerate(several) if verdict(one, known) is True)

    assert index.certain(known) == naive
    assert index.first(known) == (naive[0] if naive else None)


@settings(max_examples=300)
@given(situations())
def test_possible_conditions_are_all_that_are_open_and_none_that_is_settled(
    situation: tuple[list[Condition], Facts],
) -> None:
    several, facts = situation
    known = SCHEMA.known(facts)

    possible = RuleIndex(several, SCHEMA).possible(known)

    settled = {place for place, one in enumerate(several) if verdict(one, known) is True}
    assert not settled & set(possible)
    assert all(verdict(several[place], known) is None for place in possible)


@settings(max_examples=200)
@given(situations())
def test_a_near_miss_fails_by_exactly_one_fact(situation: tuple[list[Condition], Facts]) -> None:
    several, facts = situation
    known = SCHEMA.known(facts)

    for place in RuleIndex(several, SCHEMA).near(known):
        clauses = boxes(several[place], SCHEMA) or ()
        assert verdict(several[place], known) is not True
        assert 1 in {failing(box.regions, box.missing, known) for box in clauses}


def failing(regions: Mapping[str, object], missing: frozenset[str], known: Known) -> int:
    """Facts that keep a clause from holding."""
    names = {name for name, region in regions.items() if name not in known or not region.holds(known[name])}  # type: ignore[attr-defined]  # any region
    return len(names | (missing & known.keys()))


def test_verdicts_tell_certain_possible_and_near_apart() -> None:
    both = Group("AND", (ANGRY, ENTERPRISE))
    index = RuleIndex([ANGRY, both, Group("AND", (ANGRY, CHURN)), Group("AND", (both, CHURN))], SCHEMA)

    verdicts = index.verdicts(SCHEMA.known({"sentiment_score": -0.9, "customer_tier": "free"}))

    assert (verdicts.certain, verdicts.possible, verdicts.near) == ((0,), (2,), (1,))


def test_a_condition_of_many_clauses_is_evaluated_directly() -> None:
    pairs = [
        Group("OR", (Comparison("weekday", "==", day), Comparison("hour_utc", "==", day)))
        for day in range(1, 6)
    ]
    large = Group("AND", tuple(pairs))
    index = RuleIndex([ENTERPRISE, large], SCHEMA)

    assert 2 ** len(pairs) > MAX_CLAUSES
    assert boxes(large, SCHEMA) is None
    assert index.certain({"weekday": 1, "hour_utc": 2, "customer_tier": "enterprise"}) == (0,)
    assert index.first({"weekday": 1.0, "hour_utc": 1.0}) is None


def test_an_imported_expression_stands_among_conditions() -> None:
    program = Program({">": [{"*": [{"var": "hour_utc"}, 2]}, 20]}, "R-1")
    index = RuleIndex([ENTERPRISE, program, ANGRY], SCHEMA)

    assert index.certain({"hour_utc": 11, "sentiment_score": -0.9}) == (1, 2)
    assert index.first({"hour_utc": 11, "sentiment_score": -0.9}) == 1
    assert index.possible({"sentiment_score": 0.0}) == (0, 1)


@pytest.mark.parametrize("known", [{}, {"sentiment_score": -1.0}], ids=["nothing known", "something known"])
def test_no_conditions_find_nothing(known: Known) -> None:
    index = RuleIndex([], SCHEMA)

    assert (index.first(known), index.certain(known), index.possible(known), index.near(known)) == (
        None,
        (),
        (),
        (),
    )
