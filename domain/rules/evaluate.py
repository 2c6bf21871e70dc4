"""Three-valued evaluation of one condition: true, false, or None for unknown (strong Kleene logic).

Every function takes facts as `Schema.known` gives them.
"""

import operator
from collections.abc import Callable, Mapping, Sequence

from domain.rules.condition import Comparison, Condition
from domain.rules.facts import age, seconds
from domain.rules.words import duration, pattern

KnownValue = float | str | bool | tuple[str, ...]
Known = Mapping[str, KnownValue]
"""Facts that are known, times as seconds."""

ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def verdict(condition: Condition, known: Known) -> bool | None:
    """Whether a condition holds; None when a missing fact leaves it open."""
    if isinstance(condition, Comparison):
        return holds(condition, known)
    verdicts = [verdict(member, known) for member in condition.rules]
    if condition.operator == "AND":
        return _all(verdicts)
    any_holds = _not(_all([_not(v) for v in verdicts]))
    return any_holds if condition.operator == "OR" else _not(any_holds)


def holds(leaf: Comparison, known: Known) -> bool | None:
    """Whether one comparison holds; None when its fact is missing."""
    if leaf.operator == "exists":
        return (leaf.field in known) is leaf.value
    actual = known.get(age(leaf.field) if leaf.operator == "within" else leaf.field)
    return None if actual is None else _compare(leaf, actual)


def number(value: object) -> float:
    """A number, or a time as seconds since 1970."""
    return seconds(value) if isinstance(value, str) else float(str(value))


def predicate(name: str, value: str) -> Callable[[str], bool]:
    """The test that 'contains', 'starts_with' or 'matches' makes of a text."""
    if name == "contains":
        return lambda text: value in text
    if name == "starts_with":
        return lambda text: text.startswith(value)
    search = pattern(value).search
    return lambda text: search(text) is not None


def _compare(leaf: Comparison, actual: KnownValue) -> bool:  # noqa: PLR0911  # one return an operator reads best
    value = leaf.value
    match leaf.operator:
        case "==":
            return actual == value
        case "!=":
            return actual != value
        case "in":
            return isinstance(value, tuple) and actual in value
        case "not_in":
            return isinstance(value, tuple) and actual not in value
        case "contains" if isinstance(actual, tuple):
            return value in actual
        case "contains" | "starts_with" | "matches":
            return predicate(leaf.operator, str(value))(str(actual))
        case "between":
            low, high = value if isinstance(value, tuple) else (value, value)
            return number(low) <= number(actual) <= number(high)
        case "within":
            low, high = duration(str(value))
            return low <= number(actual) <= high
        case _:
            return ORDERED[leaf.operator](number(actual), number(value))


def _all(verdicts: Sequence[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _not(value: bool | None) -> bool | None:  # noqa: FBT001  # negation takes a boolean
    return None if value is None else not value
