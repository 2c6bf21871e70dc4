"""Checking SOQL: what cannot be read, what SOQL refuses, what is not there, what will be slow."""

from collections.abc import Iterable, Iterator

from msgspec.structs import astuple

from domain.salesforce.checking import Finding
from domain.salesforce.schema import Schema
from domain.salesforce.soql.cost import slow
from domain.salesforce.soql.diagnosis import diagnosed
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.names import unknown_names
from domain.salesforce.soql.query import At, Query
from domain.salesforce.soql.reading import queries
from domain.salesforce.soql.rules import broken_rules
from domain.salesforce.syntax import parse_query

LATEST = 67
"""API version of Summer '26."""
MAX_QUERY = 100_000
"""Characters (SOQL and SOSL Reference, statement character limit)."""


def check_soql(query: str, schema: Schema) -> tuple[Finding, ...]:
    """Everything found in a query that stands alone, as the API takes it; in the order of the code."""
    if len(query) > MAX_QUERY:
        fix = "Select fewer fields, or bind long lists in Apex."
        return (error(At(1, 1), "QueryTooLong", f"A query has at most {MAX_QUERY:,} characters.", fix),)
    if "\x00" in query:
        return (error(At(1, 1), "NulCharacter", "The query holds a NUL character.", "Remove it."),)
    tree = parse_query(query)
    broken = tree.broken()
    if broken or query.rstrip().endswith(";"):
        return _ordered(diagnosed(query)) or broken
    return _ordered(one for read in queries(tree) for one in judged(read, schema))


def judged(
    query: Query, schema: Schema, *, in_apex: bool = False, version: int = LATEST
) -> Iterator[Finding]:
    """What is wrong with a query that could be read, `in_apex` of an API version or outside."""
    yield from broken_rules(query, in_apex=in_apex, api_version=version)
    yield from unknown_names(query, schema)
    yield from slow(query, schema)


def _ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(found), key=astuple))
