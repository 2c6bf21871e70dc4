"""Whether a value fits the field that it is compared with (SOQL and SOSL Reference: fieldExpression)."""

import re
from collections.abc import Iterator

from msgspec import Struct

from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.query import Comparison, Literal, Query, said

RECORD_ID = re.compile(r"'(?:[a-zA-Z0-9]{15}|[a-zA-Z0-9]{18})'|'[A-Z0-9_<>.]*[_<.][A-Z0-9_<>.]*'")
"""An Id, or a word that stands for one, such as CASE_ID."""
FITTING = {
    "text": {"text"},
    "id": {"text"},
    "boolean": {"boolean"},
    "number": {"number", "currency"},
    "integer": {"number", "currency"},
    "date": {"date", "date literal"},
    "datetime": {"datetime", "date literal"},
}
"""Kinds of values that go with a kind of field; null and bound variables go with all."""
EVERYWHERE = frozenset({"null", "bind"})
ORDERING = frozenset({"<", ">", "<=", ">="})
EXAMPLES = {
    "date": "2026-01-31, or a literal such as LAST_N_DAYS:30",
    "datetime": "2026-01-31T00:00:00Z, or a literal such as LAST_N_DAYS:30",
    "number": "a plain number",
    "integer": "a plain number",
    "boolean": "true or false",
    "text": "a text in single quotes",
    "id": "an Id in single quotes",
}


PLAIN = {
    "number": re.compile(r"-?\d+(?:\.\d+)?"),
    "integer": re.compile(r"-?\d+"),
    "boolean": re.compile(r"true|false", re.IGNORECASE),
}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_WORD = re.compile(r"(?:YESTERDAY|TODAY|TOMORROW|(?:LAST|THIS|NEXT)_[A-Z_]+(?::\d+)?)", re.IGNORECASE)


class Reached(Struct, frozen=True):
    """What a path leads to: the kind of a field, or None where it cannot be judged."""

    kind: str | None
    indexed: bool = False


def value_rules(comparison: Comparison, reached: Reached) -> Iterator[Finding]:
    """What is wrong with the operator and the values of a condition."""
    kind, right, name = reached.kind, comparison.right, said(comparison.left)
    if kind is None:
        return
    if kind == "long text":
        message = f"{name} is a long text and cannot be filtered."
        yield error(
            comparison.at, "LongTextFilter", message, "Search it with SOSL: FIND {text} RETURNING ...."
        )
        return
    if isinstance(right, Query):
        if kind != "id":
            message = f"{name} is no Id and no lookup, which a semi-join compares."
            yield error(comparison.at, "SemiJoinNeedsId", message, "Compare an Id or a lookup field.")
        return
    yield from _operator(comparison, kind, name)
    for value in right.items or (right,):
        yield from _value(value, kind, name)


def _operator(comparison: Comparison, kind: str, name: str) -> Iterator[Finding]:
    operator = comparison.operator
    if operator in {"LIKE", "INCLUDES", "EXCLUDES"} and kind in FITTING and kind != "text":
        fix = "Compare with = or IN." if kind in {"id", "boolean"} else "Compare with =, < or >."
        yield error(comparison.at, "OperatorForType", f"{name} is a {kind}; {operator} is for text.", fix)
    elif operator in ORDERING and kind == "boolean":
        yield error(
            comparison.at, "OperatorForType", f"{name} is true or false, not more or less.", "Write =."
        )


def _value(value: Literal, kind: str, name: str) -> Iterator[Finding]:
    fitting = FITTING.get(kind)
    if fitting is None or value.kind in EVERYWHERE:
        return
    if value.kind not in fitting:
        rule = RULES.get((kind, value.kind), "ValueForType")
        meant = _meant(value, kind)
        fix = f"Write {meant or EXAMPLES[kind]}."
        swap = (value.said, meant) if meant else ()
        yield error(value.at, rule, f"{name} is a {kind}, and {value.said} is none.", fix, *swap)
    elif kind == "id" and not RECORD_ID.fullmatch(value.said):
        message = f"{value.said} is no record Id: these have 15 or 18 letters and digits."
        yield error(
            value.at, "BadId", message, f"Write an Id, or compare a field of the record: {name[:-2]}.Name."
        )


def _meant(value: Literal, kind: str) -> str:
    """The value as the field takes it, if that is clear; else nothing."""
    bare = value.said.strip("'")
    if kind in {"text", "id"}:
        return f"'{bare}'" if value.kind in {"number", "boolean"} else ""
    if kind in PLAIN:
        return bare if PLAIN[kind].fullmatch(bare) else ""
    if DATE_WORD.fullmatch(bare):
        return bare
    day = DAY.match(bare)
    if day is None:
        return ""
    return day[0] if kind == "date" else f"{day[0]}T00:00:00Z"


RULES = {
    ("date", "text"): "QuotedDate",
    ("datetime", "text"): "QuotedDate",
    ("date", "datetime"): "DatetimeForDate",
    ("datetime", "date"): "DateForDatetime",
    ("number", "text"): "QuotedNumber",
    ("integer", "text"): "QuotedNumber",
    ("boolean", "text"): "QuotedBoolean",
    ("text", "number"): "UnquotedText",
    ("text", "boolean"): "UnquotedText",
    ("id", "number"): "UnquotedText",
}
