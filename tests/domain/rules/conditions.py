"""Random conditions and partial facts of every kind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from adapters.starter.loader import schema
from domain.rules.condition import (
    OPERATORS,
    Comparison,
    Condition,
    Group,
    Value,
    leaves,
)
from domain.rules.evaluate import number
from domain.rules.facts import CUSTOM_SOURCES, Fact, Facts, FactValue, Kind, Schema

SCHEMA: Schema = schema().with_custom(
    [
        Fact("renews_at", Kind.TIME, "Renewal of the contract", f"{CUSTOM_SOURCES[1]}Account.Renewal__c"),
        Fact("vip", Kind.BOOLEAN, "Whether the customer is a VIP", f"{CUSTOM_SOURCES[0]}vip"),
    ],
    "test",
)
FACTS = SCHEMA.facts
TIMES = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=6 * step) for step in range(-8, 9)]
SPANS = ["last_6_hours", "last_2_days", "next_1_day", "next_90_minutes", "last_30_days"]
PATTERNS = ["^a", "b+", "(?i)AB", "[0-9]", "a.c", ""]
LEVELS = 3
"""Groups above a comparison in random trees: at most 27 comparisons, well below the limits."""


def texts(fact: Fact) -> st.SearchStrategy[str]:
    """Values that meet one another often, so that comparisons hold about as often as they fail."""
    if fact.values:
        return st.sampled_from(fact.values)
    common = st.sampled_from(
        ["", "a", "ab", "abc", "b", "1", "true", "null", "\N{GRINNING FACE}a", "e\u0301"]
    )
    return common | st.text(st.characters(codec="utf-8"), max_size=6)


def numbers(fact: Fact) -> st.SearchStrategy[float]:
    low = fact.low if fact.low is not None else -1_000
    high = fact.high if fact.high is not None else 1_000
    whole = st.integers(int(low), int(high))
    return whole | st.floats(low, high, allow_nan=False) | st.sampled_from([low, high])


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    fact = draw(st.sampled_from(list(FACTS.values())))
    operator = draw(st.sampled_from(OPERATORS[fact.kind]))
    return Comparison(fact.name, operator, draw(_values(fact, operator)))


def _values(fact: Fact, operator: str) -> st.SearchStrategy[Value]:
    if operator == "exists" or fact.kind is Kind.BOOLEAN:
        return st.booleans()
    if operator == "within":
        return st.sampled_from(SPANS)
    if operator == "matches":
        return st.sampled_from(PATTERNS)
    one = _one(fact)
    if operator == "between":
        return st.lists(one, min_size=2, max_size=2).map(lambda pair: tuple(sorted(pair, key=number)))
    if operator in {"in", "not_in"}:
        return st.lists(one, min_size=1, max_size=4).map(tuple)
    return one


def _one(fact: Fact) -> st.SearchStrategy[float | str]:
    if fact.kind is Kind.TIME:
        return st.sampled_from([time.isoformat() for time in TIMES])
    return numbers(fact) if fact.kind is Kind.NUMBER else texts(fact)


def _groups(members: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    def group(operator: str, rules: Sequence[Condition]) -> Condition:
        return Group(operator, tuple(rules))

    return st.builds(group, st.sampled_from(["AND", "OR", "NOT"]), st.lists(members, min_size=1, max_size=3))


def _trees(levels: int) -> st.SearchStrategy[Condition]:
    if levels == 0:
        return comparisons()
    below = _trees(levels - 1)
    return comparisons() | _groups(below)


conditions: st.SearchStrategy[Condition] = _trees(LEVELS)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Condition, Facts]:
    """A condition and its facts: each absent, None, anything, or the very value it is compared with."""
    condition = draw(conditions)
    return condition, draw(facts_of([condition]))


@st.composite
def facts_of(draw: st.DrawFn, several: Sequence[Condition]) -> Facts:
    """Facts for all that some conditions read."""
    known: dict[str, FactValue] = {"now": draw(st.none() | _fact_values(FACTS["now"]))}
    for leaf in (leaf for condition in several for leaf in leaves(condition)):
        if leaf.field in known or draw(st.integers(0, 9)) == 0:
            continue
        known[leaf.field] = draw(st.none() | _compared(leaf) | _fact_values(FACTS[leaf.field]))
    return known


def _compared(leaf: Comparison) -> st.SearchStrategy[FactValue]:
    fact, value = FACTS[leaf.field], leaf.value
    if leaf.operator in {"exists", "within", "matches"} or value is None:
        return _fact_values(fact)
    if fact.kind is Kind.LIST:
        return st.lists(texts(fact), max_size=2).map(lambda others: (*others, str(value)))
    return st.sampled_from(value) if isinstance(value, tuple) else st.just(value)


def _fact_values(fact: Fact) -> st.SearchStrategy[FactValue]:
    if fact.kind is Kind.BOOLEAN:
        return st.booleans()
    return st.lists(texts(fact), max_size=3).map(tuple) if fact.kind is Kind.LIST else _one(fact)
