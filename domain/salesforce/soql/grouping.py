"""What SOQL refuses of queries that make one row of many."""

from collections.abc import Iterator

from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.query import Call, Field, Operand, Query, flat, said

MAX_ROLLUP = 3
ROLLED = frozenset({"rollup", "cube"})


def grouping_rules(query: Query) -> Iterator[Finding]:
    """Everything about groups and aggregates in one query."""
    for rule in (_grouping, _count, _aggregates_in_where, _having, _rollups):
        yield from rule(query)


def _grouping(query: Query) -> Iterator[Finding]:
    """Fields of an aggregate query are grouped or aggregated (SELECT, HAVING and ORDER BY)."""
    if not query.aggregates:
        return
    grouped = set(_grouped(query))
    aliases = {one.alias.lower() for one in query.selected if one.alias}
    plain = [one.what for one in query.selected if isinstance(one.what, Field | Call)]
    for operand in plain:
        if not _made_of_groups(operand, grouped):
            yield error(
                operand.at,
                "UngroupedField",
                f"{said(operand)} is neither grouped nor aggregated.",
                f"Add it to GROUP BY, or use a function such as MAX({said(operand)}).",
            )
    for operand in (*query.ordered, *(one.left for one in flat(query.having))):
        if not _made_of_groups(operand, grouped | aliases):
            yield error(
                operand.at,
                "UngroupedField",
                f"{said(operand)} orders or filters groups, but is neither grouped nor aggregated.",
                "Add it to GROUP BY, or use an aggregate function.",
            )
    for inner in query.subqueries:
        message = "A query with groups or aggregates takes no subquery in its SELECT clause."
        yield error(inner.at, "SubqueryInAggregateQuery", message, "Query the children on their own.")


def _count(query: Query) -> Iterator[Finding]:
    for one in query.selected:
        if not isinstance(one.what, Call) or one.what.function.lower() != "count" or one.what.arguments:
            continue
        if len(query.selected) > 1:
            message = "COUNT() without a field stands alone in the SELECT clause."
            yield error(one.what.at, "CountNotAlone", message, "Write COUNT(Id) beside other fields.")
        if query.grouped or query.ordered:
            message = "COUNT() without a field goes with neither GROUP BY nor ORDER BY."
            yield error(one.what.at, "CountNotAlone", message, "Write COUNT(Id), or leave the clause out.")


def _aggregates_in_where(query: Query) -> Iterator[Finding]:
    for one in query.comparisons():
        if isinstance(one.left, Call) and one.left.aggregates:
            message = f"{said(one.left)} filters groups, and WHERE filters rows."
            yield error(one.left.at, "AggregateInWhere", message, "Move the condition to HAVING.")


def _having(query: Query) -> Iterator[Finding]:
    if query.having is not None and not query.grouped:
        at = next(flat(query.having)).at
        message = "HAVING needs GROUP BY."
        yield error(at, "HavingWithoutGroupBy", message, "Group the query, or filter rows with WHERE.")


def _rollups(query: Query) -> Iterator[Finding]:
    calls = [one for one in query.grouped if isinstance(one, Call)]
    for call in calls:
        if call.function.lower() in ROLLED and len(call.arguments) > MAX_ROLLUP:
            message = f"{call.function.upper()} takes at most {MAX_ROLLUP} fields."
            yield error(call.at, "TooManyRollupFields", message, "Leave some out.")
    rolled = any(call.function.lower() in ROLLED for call in calls)
    for call in query.calls():
        if call.function.lower() == "grouping" and not rolled:
            message = "GROUPING needs GROUP BY ROLLUP or GROUP BY CUBE."
            yield error(call.at, "GroupingWithoutRollup", message, "Group with ROLLUP or CUBE, or drop it.")


def _grouped(query: Query) -> Iterator[str]:
    for one in query.grouped:
        if isinstance(one, Call) and one.function.lower() in ROLLED:
            yield from (field.name.lower() for field in one.fields())
        yield said(one).lower()


def _made_of_groups(operand: Operand, grouped: set[str]) -> bool:
    if said(operand).lower() in grouped:
        return True
    if isinstance(operand, Field):
        return False
    if operand.aggregates or operand.function.lower() == "grouping":
        return True
    return bool(operand.arguments) and all(field.name.lower() in grouped for field in operand.fields())
