"""What SOQL refuses of semi-joins and anti-joins: `IN (SELECT ...)` in a WHERE clause."""

from collections.abc import Iterator

from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.query import Comparison, Condition, Field, Logic, Query, flat

MAX_SEMI_JOINS = 2


def semi_joins(query: Query) -> Iterator[Finding]:
    """Everything about the semi-joins of one query."""
    joins = [one for one in query.comparisons() if isinstance(one.right, Query)]
    if len(joins) > MAX_SEMI_JOINS:
        message = f"A query has at most {MAX_SEMI_JOINS} semi-joins or anti-joins."
        yield error(
            joins[MAX_SEMI_JOINS].at, "TooManySemiJoins", message, "Query the ids first, then use IN :ids."
        )
    for one in joins:
        if isinstance(one.right, Query):
            yield from _semi_join(query, one, one.right)
    for one in _under(query.where, "or"):
        if isinstance(one.right, Query):
            message = "A semi-join may not stand under OR."
            yield error(one.at, "SemiJoinInOr", message, "Run two queries, or query the ids first.")


def _semi_join(query: Query, join: Comparison, inner: Query) -> Iterator[Finding]:
    if len(inner.selected) != 1 or not isinstance(inner.selected[0].what, Field):
        message = "A semi-join selects one field, an Id or a lookup."
        yield error(inner.at, "SemiJoinSelectsOneField", message, "Select the Id or the lookup alone.")
    if inner.limit or inner.ordered or inner.for_ or inner.offset:
        message = "A semi-join takes no LIMIT, OFFSET, ORDER BY or FOR."
        yield error(inner.at, "SemiJoinWithLimit", message, "Leave the clause out, or query the ids first.")
    if any(isinstance(one.right, Query) for one in inner.comparisons()):
        message = "A semi-join may not hold another one."
        yield error(inner.at, "NestedSemiJoin", message, "Query the inner ids first.")
    if inner.sources[0][0].name.lower() == query.sources[0][0].name.lower():
        message = (
            f"A semi-join may not select from {inner.sources[0][0].name}, the object of the query itself."
        )
        yield error(inner.at, "SemiJoinOnSameObject", message, "Put its conditions into the WHERE clause.")
    if len(join.left.path if isinstance(join.left, Field) else ()) == 0:
        message = "The left side of a semi-join is an Id or a lookup."
        yield error(join.at, "SemiJoinNeedsId", message, "Compare an Id or a lookup field.")


def _under(condition: Condition | None, operator: str) -> Iterator[Comparison]:
    """The comparisons under an operator, at any depth."""
    if isinstance(condition, Logic):
        for term in condition.terms:
            yield from flat(term) if condition.operator == operator else _under(term, operator)
