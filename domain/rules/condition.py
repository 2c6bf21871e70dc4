"""Conditions as a typed tree, read from the customer's JSON form and checked against the facts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from msgspec import Struct

from domain.rules.facts import LARGEST, Fact, Kind, RuleError, Schema, seconds, suggestion
from domain.rules.words import duration, pattern, span

MAX_DEPTH = 8
MAX_LEAVES = 64
MAX_LISTED = 1_000
"""Values in one list."""
Value = float | str | bool | tuple[float | str, ...] | None

ORDER = ("<", "<=", ">", ">=")
LISTED = ("in", "not_in")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.NUMBER: ("==", "!=", *ORDER, *LISTED, "between", "exists"),
    Kind.TEXT: ("==", "!=", *LISTED, "contains", "starts_with", "matches", "exists"),
    Kind.BOOLEAN: ("==", "!=", "exists"),
    Kind.LIST: ("contains", "exists"),
    Kind.TIME: (*ORDER, "between", "within", "exists"),
}
"""Operators by the kind of the fact on the left."""
PAIR = 2
SHOWN = 100
"""Characters of a bad value that a message shows."""


class Comparison(Struct, frozen=True, tag="comparison"):
    """A fact against a value."""

    field: str
    operator: str
    value: Value


class Group(Struct, frozen=True, tag="group"):
    """All, any or none of the members: operator 'AND', 'OR' or 'NOT' (none)."""

    operator: str
    rules: tuple["Comparison | Group", ...]


Condition = Comparison | Group


def parse_condition(raw: object, where: str, schema: Schema, depth: int = 1) -> Condition:
    """Read one condition. `where` names the rule for messages such as "RULE-1: ...". Raises `RuleError`."""
    if depth > MAX_DEPTH:
        raise RuleError("too_deep", f"{where}: conditions nest deeper than {MAX_DEPTH}. Split the rule.")
    if not isinstance(raw, Mapping):
        raise RuleError("bad_condition", f"{where}: a condition is an object, got {_shown(raw)}.")
    known = ("operator", "rules") if "rules" in raw else ("field", "operator", "value")
    for key in raw:
        if key not in known:
            raise RuleError("unknown_key", f"{where}: a condition has no '{key}'{suggestion(key, known)}")
    condition = _group(raw, where, schema, depth) if "rules" in raw else _comparison(raw, where, schema)
    if depth == 1 and sum(1 for _ in leaves(condition)) > MAX_LEAVES:
        raise RuleError(
            "too_many_comparisons", f"{where}: more than {MAX_LEAVES} comparisons. Split the rule."
        )
    return condition


def leaves(condition: Condition) -> Iterator[Comparison]:
    """The comparisons of a tree, left to right."""
    if isinstance(condition, Comparison):
        yield condition
    else:
        for member in condition.rules:
            yield from leaves(member)


def _group(raw: Mapping[object, object], where: str, schema: Schema, depth: int) -> Group:
    operator = str(raw.get("operator", "")).upper()
    if operator not in {"AND", "OR", "NOT"}:
        raise RuleError(
            "bad_group", f"{where}: a group's operator is AND, OR or NOT, got {_shown(raw.get('operator'))}."
        )
    members = raw["rules"]
    if not isinstance(members, Sequence) or isinstance(members, str) or not members:
        raise RuleError(
            "empty_group", f"{where}: the {operator} group has no rules. Add one or remove the group."
        )
    return Group(operator, tuple(parse_condition(member, where, schema, depth + 1) for member in members))


def _comparison(raw: Mapping[object, object], where: str, schema: Schema) -> Comparison:
    fact = schema.named(str(raw.get("field", "")), where)
    operator = str(raw.get("operator", ""))
    allowed = OPERATORS[fact.kind]
    if operator not in allowed:
        raise RuleError(
            "bad_operator",
            f"{where}: '{fact.name}' ({fact.kind}) cannot use '{operator}'; it takes {', '.join(allowed)}.",
        )
    if operator == "exists":
        return Comparison(fact.name, operator, _boolean(raw.get("value", True), fact, where))
    if operator == "between":
        return Comparison(fact.name, operator, _pair(raw.get("value"), fact, where))
    if operator in LISTED:
        return Comparison(fact.name, operator, _listed(raw.get("value"), fact, where))
    return Comparison(fact.name, operator, _one(raw.get("value"), fact, where, operator))


def _pair(value: object, fact: Fact, where: str) -> tuple[float | str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != PAIR:
        raise RuleError(
            "bad_value",
            f"{where}: 'between' takes a list of two values for '{fact.name}', got {_shown(value)}.",
        )
    low, high = (_one(item, fact, where, "between") for item in value)
    if _ordinal(low) > _ordinal(high):
        raise RuleError("bad_value", f"{where}: '{fact.name}' between {low} and {high} is empty; swap them.")
    return (cast("float | str", low), cast("float | str", high))


def _ordinal(value: float | str) -> float:
    return seconds(value) if isinstance(value, str) else value


def _listed(value: object, fact: Fact, where: str) -> tuple[float | str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise RuleError("bad_value", f"{where}: '{fact.name}' needs a list of values, got {_shown(value)}.")
    if len(value) > MAX_LISTED:
        raise RuleError("too_many_values", f"{where}: '{fact.name}' lists more than {MAX_LISTED} values.")
    return tuple(cast("float | str", _one(item, fact, where, "==")) for item in value)


def _one(value: object, fact: Fact, where: str, operator: str) -> float | str | bool:
    if fact.kind is Kind.NUMBER:
        return _number(value, fact, where)
    if fact.kind is Kind.BOOLEAN:
        return _boolean(value, fact, where)
    if not isinstance(value, str):
        raise RuleError("bad_value", f"{where}: '{fact.name}' is a {fact.kind}; got {_shown(value)}.")
    if operator == "within":
        return span(*duration(value, where)) or value
    if fact.kind is Kind.TIME:
        return _time(value, fact, where)
    if operator == "matches":
        pattern(value, where)
        return value
    if fact.values and value not in fact.values and operator in {"==", "!=", *LISTED, "contains"}:
        raise RuleError(
            "bad_value",
            f"{where}: {_shown(value)} is not a value of '{fact.name}'{suggestion(value, fact.values)}",
        )
    return value


def _time(value: str, fact: Fact, where: str) -> str:
    if math.isnan(seconds(value)):
        raise RuleError(
            "bad_value",
            f"{where}: '{fact.name}' needs a time with its offset, as in '2026-03-01T09:00:00+01:00'; "
            f"got {_shown(value)}.",
        )
    return datetime.fromtimestamp(seconds(value), UTC).isoformat()


def _number(value: object, fact: Fact, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise RuleError("bad_value", f"{where}: '{fact.name}' is a number; got {_shown(value)}.")
    if (fact.low is not None and value < fact.low) or (fact.high is not None and value > fact.high):
        raise RuleError("out_of_range", f"{where}: {value} is outside {_range(fact)} for '{fact.name}'.")
    return value


def _range(fact: Fact) -> str:
    return "..".join("" if end is None else f"{end:g}" for end in (fact.low, fact.high))


def _boolean(value: object, fact: Fact, where: str) -> bool:
    if not isinstance(value, bool):
        raise RuleError("bad_value", f"{where}: '{fact.name}' needs true or false; got {_shown(value)}.")
    return value


def _shown(value: object) -> str:
    text = str(value)
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return f"the text '{short}'" if isinstance(value, str) else short
