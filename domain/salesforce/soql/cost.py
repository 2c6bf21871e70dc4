"""What makes a query slow, by Salesforce's rules for indexes; an estimate, since only the org knows its rows.

A filter is selective where an index has it and few rows pass: 30% of the first million and 15% of the rest
for a standard index, 10% and 5% for a custom one (Query and Search Optimization Cheat Sheet).
"""

from collections.abc import Iterator
from urllib.parse import quote

from domain.salesforce.checking import Finding
from domain.salesforce.schema import Schema
from domain.salesforce.soql.finding import warning
from domain.salesforce.soql.names import Scope, reached, scope_of
from domain.salesforce.soql.query import Comparison, Condition, Literal, Logic, Query, flat, said

NEGATIVE = frozenset({"!=", "<>", "NOT IN", "EXCLUDES"})
EXPLAIN = "GET /services/data/v67.0/query/?explain="


def slow(query: Query, schema: Schema) -> Iterator[Finding]:
    """Warnings about one query, without its subqueries."""
    if query.where is None:
        if query.limit is None and not query.aggregates:
            message = "Every record comes back: there is neither WHERE nor LIMIT."
            yield warning(query.at, "AvoidNonRestrictiveQueries", message, "Filter, or add LIMIT.")
        return
    for one in query.comparisons():
        yield from _no_index(one)
    scope = scope_of(query, schema)
    if scope is not None and not _selective(query.where, scope, schema):
        names = ", ".join(dict.fromkeys(said(one.left) for one in flat(query.where)))
        yield warning(
            query.at,
            "NotSelective",
            f"No index serves this filter ({names}), so large tables are read whole.",
            "Filter on an indexed field as well (Id, a lookup, CreatedDate, an external id), or ask "
            "Salesforce Support for a custom index.",
        )


def explain_request(query: str) -> str:
    """The request that has the org tell its plan for a query, with the cost of each way to run it."""
    return EXPLAIN + quote(" ".join(query.split()), safe="")


def _no_index(one: Comparison) -> Iterator[Finding]:
    right = one.right
    if one.operator == "LIKE" and isinstance(right, Literal) and right.said[1:2] in {"%", "_"}:
        message = f"LIKE {right.said} begins with a wildcard, which no index serves."
        yield warning(one.at, "LeadingWildcard", message, "Begin with fixed text, or search with SOSL.")
    if one.operator in NEGATIVE and not isinstance(right, Query) and not _is_null(right):
        message = f"{one.operator} says what not to find, which no index serves."
        yield warning(one.at, "NegativeFilter", message, "Name the values that are wanted: IN (...).")


def _selective(condition: Condition, scope: Scope, schema: Schema) -> bool:
    """Whether an index may serve the condition: one side of AND, every side of OR."""
    if isinstance(condition, Logic):
        if condition.operator == "not":
            return False
        sides = [_selective(term, scope, schema) for term in condition.terms]
        return all(sides) if condition.operator == "or" else any(sides)
    right = condition.right
    wild = condition.operator == "LIKE" and isinstance(right, Literal) and right.said[1:2] in {"%", "_"}
    if condition.operator in NEGATIVE or wild or _is_null(right):
        return False
    found = reached(condition.left, scope, schema)
    return found.kind is None or found.indexed


def _is_null(right: Literal | Query) -> bool:
    return isinstance(right, Literal) and right.kind == "null"
