"""What SOQL refuses although it can be parsed (SOQL and SOSL Reference; the messages are ours)."""

from collections.abc import Callable, Iterator

from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.grouping import grouping_rules
from domain.salesforce.soql.query import AllFields, Field, Literal, Query, flat
from domain.salesforce.soql.semi_joins import semi_joins

MAX_OFFSET, MAX_FIELDS_LIMIT = 2_000, 200
MAX_PARENTS, MAX_SUBQUERIES, MAX_DEPTH = 5, 20, 5
MODES = frozenset({"USER_MODE", "SYSTEM_MODE", "SECURITY_ENFORCED"})
USER_MODE_DEFAULT = 67
"""API version from which WITH SECURITY_ENFORCED no longer compiles."""
FUNCTIONS = frozenset({
    "count", "count_distinct", "sum", "avg", "min", "max", "grouping", "rollup", "cube", "tolabel", "format",
    "convertcurrency", "converttimezone", "distance", "geolocation", "day_only", "hour_in_day",
    "day_in_month", "day_in_week", "day_in_year", "week_in_month", "week_in_year", "calendar_month",
    "calendar_quarter", "calendar_year", "fiscal_month", "fiscal_quarter", "fiscal_year",
})  # fmt: skip
"""All that SOQL has."""


def broken_rules(query: Query, *, in_apex: bool, api_version: int, level: int = 0) -> Iterator[Finding]:
    """What is wrong with a query and its subqueries, whatever the objects are."""
    if level > MAX_DEPTH:
        message = f"Subqueries go at most {MAX_DEPTH} levels down."
        yield error(query.at, "SubqueryTooDeep", message, "Query the lower levels on their own.")
        return
    for rule in RULES:
        yield from rule(query)
    yield from _modes(query, api_version) if in_apex else _only_in_apex(query)
    for inner in query.subqueries:
        yield from broken_rules(inner, in_apex=in_apex, api_version=api_version, level=level + 1)


def _modes(query: Query, api_version: int) -> Iterator[Finding]:
    if query.with_ and query.with_[0].upper() == "SECURITY_ENFORCED" and api_version >= USER_MODE_DEFAULT:
        message = f"WITH SECURITY_ENFORCED does not compile from API version {USER_MODE_DEFAULT} on."
        yield error(query.with_[1], "SecurityEnforcedRemoved", message, "Write WITH USER_MODE.")


def _functions(query: Query) -> Iterator[Finding]:
    for call in query.calls():
        if call.function.lower() not in FUNCTIONS:
            message = f"SOQL has no function {call.function}."
            yield error(
                call.at, "UnknownFunction", message, "Compute it after the query, or in a formula field."
            )


def _aliases(query: Query) -> Iterator[Finding]:
    for one in query.selected:
        if one.alias is None or query.aggregates:
            continue
        if isinstance(one.what, Field) and one.what.name.upper() == "DISTINCT":
            fix = f"Group: SELECT {one.alias} FROM ... GROUP BY {one.alias}."
            yield error(one.what.at, "Distinct", "SOQL has no DISTINCT.", fix)
            continue
        if isinstance(one.what, Field):
            yield error(
                one.what.at,
                "AliasOutsideAggregateQuery",
                f"'{one.alias}' after {one.what.name} reads as an alias, which only aggregate queries have.",
                f"If both are fields, put a comma between them: {one.what.name}, {one.alias}. Else drop it.",
                f"{one.what.name} {one.alias}",
                f"{one.what.name}, {one.alias}",
            )


def _fields_function(query: Query) -> Iterator[Finding]:
    for one in query.selected:
        if not isinstance(one.what, AllFields) or one.what.kind == "STANDARD":
            continue
        limit = _number(query.limit)
        if query.limit is None or (limit is not None and limit > MAX_FIELDS_LIMIT):
            yield error(
                one.what.at,
                "FieldsWithoutLimit",
                f"FIELDS({one.what.kind}) needs LIMIT {MAX_FIELDS_LIMIT} or less.",
                f"Add LIMIT {MAX_FIELDS_LIMIT}, or name the fields.",
            )


def _duplicates(query: Query) -> Iterator[Finding]:
    seen: set[str] = set()
    for one in query.selected:
        if not isinstance(one.what, Field):
            continue
        name = one.what.name.lower()
        if name in seen and not query.aggregates:
            message = f"{one.what.name} is selected twice."
            yield error(one.what.at, "DuplicateField", message, "Select it once.")
        seen.add(name)


def _numbers(query: Query) -> Iterator[Finding]:
    offset = _number(query.offset)
    if query.offset is not None and offset is not None and offset > MAX_OFFSET:
        yield error(
            query.offset.at,
            "OffsetTooLarge",
            f"OFFSET is at most {MAX_OFFSET:,}.",
            "Order by Id and continue with WHERE Id > the last one, or follow nextRecordsUrl.",
        )


def _parents(query: Query) -> Iterator[Finding]:
    for field in query.fields():
        if len(field.path) - 1 > MAX_PARENTS:
            message = f"{field.name} goes more than {MAX_PARENTS} relationships up."
            yield error(field.at, "TooManyParentLevels", message, "Start nearer, or use a formula field.")


def _subqueries(query: Query) -> Iterator[Finding]:
    if len(query.subqueries) > MAX_SUBQUERIES:
        at = query.subqueries[MAX_SUBQUERIES].at
        message = f"A query takes at most {MAX_SUBQUERIES} subqueries in its SELECT clause."
        yield error(at, "TooManySubqueries", message, "Split the query.")


def _locking(query: Query) -> Iterator[Finding]:
    if "update" not in query.for_:
        return
    if query.ordered:
        message = "FOR UPDATE does not go with ORDER BY."
        yield error(
            query.ordered[0].at, "ForUpdateWithOrderBy", message, "Drop ORDER BY: locked rows come by Id."
        )
    if query.aggregates:
        message = "FOR UPDATE does not go with groups or aggregates: there are no rows to lock."
        yield error(query.at, "ForUpdateWithAggregate", message, "Lock the rows in a query of their own.")


def _only_in_apex(query: Query) -> Iterator[Finding]:
    values = [one.right for one in (*query.comparisons(), *flat(query.having))]
    for value in (*values, query.limit, query.offset):
        if isinstance(value, Query):
            yield from _only_in_apex(value)
        elif value is not None and any(item.kind == "bind" for item in (value, *value.items)):
            message = f"The variable {value.said} can be bound in Apex only."
            yield error(value.at, "BindOutsideApex", message, "Write the value itself, text in quotes.")
    if query.all_rows:
        message = "ALL ROWS goes in Apex only."
        yield error(
            query.all_rows, "AllRowsOutsideApex", message, "Use the queryAll resource or call.", "ALL ROWS"
        )
    if query.with_ and query.with_[0].upper() in MODES:
        message = f"WITH {query.with_[0].upper()} goes in Apex only."
        yield error(query.with_[1], "AccessModeOutsideApex", message, "Leave it out: calls run in user mode.")


RULES: tuple[Callable[[Query], Iterator[Finding]], ...] = (
    grouping_rules,
    _aliases,
    _functions,
    _fields_function,
    _duplicates,
    _numbers,
    _parents,
    _subqueries,
    _locking,
    semi_joins,
)


def _number(literal: Literal | None) -> int | None:
    return int(literal.said) if literal is not None and literal.said.isdigit() else None
