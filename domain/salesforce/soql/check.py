"""Checking SOQL: what cannot be read, what SOQL refuses, what is not there, what will be slow."""

import re
from collections.abc import Iterator, Sequence

from domain.salesforce.checking import Finding, ordered
from domain.salesforce.schema import Schema
from domain.salesforce.soql.cost import slow
from domain.salesforce.soql.diagnosis import deepest, diagnosed
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.names import unknown_names
from domain.salesforce.soql.query import At, Query
from domain.salesforce.soql.reading import read
from domain.salesforce.soql.rules import broken_rules
from domain.salesforce.soql.search import FIND, quoted, unknown_in_search
from domain.salesforce.syntax import parse_query, walk

LATEST = 67
"""API version of Summer '26."""
MAX_ROUNDS = 4
"""Of mending: one mend may show the next error."""
MAX_DEPTH = 50
"""Parentheses inside one another; Salesforce has no such limit, and nobody writes as many."""
MAX_QUERY = 100_000
"""Characters (SOQL and SOSL Reference, statement character limit)."""


def check_soql(query: str, schema: Schema, *, in_apex: bool = False) -> tuple[Finding, ...]:
    """Everything found in a query that stands alone, `in_apex` or as the API takes it; in its order."""
    if len(query) > MAX_QUERY:
        fix = "Select fewer fields, or bind long lists in Apex."
        return (error(At(1, 1), "QueryTooLong", f"A query has at most {MAX_QUERY:,} characters.", fix),)
    if "\x00" in query:
        return (error(At(1, 1), "NulCharacter", "The query holds a NUL character.", "Remove it."),)
    if deepest(query) > MAX_DEPTH:
        fix = "Write fewer parentheses; a query needs few levels."
        return (error(At(1, 1), "NestedTooDeeply", f"The query nests more than {MAX_DEPTH} levels.", fix),)
    search = FIND.match(query)
    tree = parse_query(quoted(query) if search else query)
    broken = tree.broken()
    if search:
        return broken or ordered(unknown_in_search(tree, schema))
    if broken or query.rstrip().endswith(";"):
        return ordered(diagnosed(query)) or broken
    found = (node for node in walk(tree.root) if node.type == "soql_query_body")
    return ordered(judged(read(next(found), tree), schema, in_apex=in_apex))


def judged(
    query: Query, schema: Schema, *, in_apex: bool = False, version: int = LATEST
) -> Iterator[Finding]:
    """What is wrong with a query that could be read, `in_apex` of an API version or outside."""
    yield from broken_rules(query, in_apex=in_apex, api_version=version)
    yield from unknown_names(query, schema)
    yield from slow(query, schema)


def corrected(query: str, schema: Schema, *, in_apex: bool = False) -> str | None:
    """The query with everything mended whose meaning is clear; None unless no error is left."""
    for _ in range(MAX_ROUNDS):
        errors = [one for one in check_soql(query, schema, in_apex=in_apex) if one.severity == "error"]
        if not errors:
            return query
        better = mended(query, errors)
        if better == query:
            return None
        query = better
    return None


def mended(code: str, findings: Sequence[Finding]) -> str:
    """The code with `new` for `old` wherever a finding says so, from the end to the beginning."""
    begins = [0, *(match.end() for match in re.finditer("\n", code))]
    for one in reversed(findings):
        whole = rf"(?<!\w){re.escape(one.old)}(?!\w)" if one.old.isalnum() else re.escape(one.old)
        found = re.compile(whole).search(code, begins[one.line - 1] + one.column - 1) if one.old else None
        if found is not None:
            code = code[: found.start()] + one.new + code[found.end() :]
    return code.rstrip()
