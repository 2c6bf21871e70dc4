"""Three-valued evaluation of one condition, for explaining: true, false, or None (strong Kleene)."""

import operator
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from domain.rules.condition import Comparison, Condition, Value, leaves
from domain.rules.facts import FACTS, Facts

ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Checked(Struct, frozen=True):
    """One comparison and how it came out. `actual` is withheld for facts that hold personal data."""

    field: str
    operator: str
    value: Value
    actual: object
    holds: bool | None


def verdict(condition: Condition, facts: Facts) -> bool | None:
    """Whether a condition holds; None when a missing fact leaves it open."""
    if isinstance(condition, Comparison):
        return holds(condition, facts)
    verdicts = [verdict(member, facts) for member in condition.rules]
    if condition.operator == "AND":
        return _all(verdicts)
    any_holds = _not(_all([_not(v) for v in verdicts]))
    return any_holds if condition.operator == "OR" else _not(any_holds)


def holds(leaf: Comparison, facts: Facts) -> bool | None:
    """Whether one comparison holds; None when its fact is missing."""
    actual = facts.get(leaf.field)
    if leaf.operator == "exists":
        return (actual is not None) is leaf.value
    if actual is None:
        return None
    return _compare(leaf, actual)


def trace(condition: Condition, facts: Facts) -> tuple[Checked, ...]:
    """Every comparison of a condition with its outcome."""
    return tuple(
        Checked(
            leaf.field,
            leaf.operator,
            leaf.value,
            "(withheld)" if FACTS[leaf.field].personal else facts.get(leaf.field),
            holds(leaf, facts),
        )
        for leaf in leaves(condition)
    )


def _compare(leaf: Comparison, actual: object) -> bool:  # noqa: PLR0911  # one return an operator reads best
    match leaf.operator:
        case "==":
            return actual == leaf.value
        case "!=":
            return actual != leaf.value
        case "in":
            return isinstance(leaf.value, tuple) and actual in leaf.value
        case "not_in":
            return isinstance(leaf.value, tuple) and actual not in leaf.value
        case "contains":
            return isinstance(actual, str | tuple) and str(leaf.value) in actual
        case "starts_with":
            return str(actual).startswith(str(leaf.value))
        case _:
            return ORDERED[leaf.operator](float(str(actual)), float(str(leaf.value)))


def _all(verdicts: Sequence[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _not(value: bool | None) -> bool | None:  # noqa: FBT001  # negation takes a boolean
    return None if value is None else not value
