"""Checking Apex: what cannot be read, what is not there, what limits and people will not forgive."""

from collections.abc import Iterator

from domain.salesforce.apex.grammar import refused, unclosed
from domain.salesforce.apex.library import Library, invented
from domain.salesforce.apex.limits import Spending
from domain.salesforce.apex.outline import Outline
from domain.salesforce.apex.practice import careless
from domain.salesforce.apex.records import unknown_fields
from domain.salesforce.apex.security import unsafe
from domain.salesforce.checking import Finding, ordered
from domain.salesforce.schema import Schema
from domain.salesforce.soql.check import LATEST, judged
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.query import At, Query
from domain.salesforce.soql.reading import read
from domain.salesforce.syntax import MAX_CODE, parse_apex


def check_apex(code: str, schema: Schema, library: Library, version: int = LATEST) -> tuple[Finding, ...]:
    """Everything found in a class, a trigger or statements of an API version, in the order of the code."""
    if len(code) > MAX_CODE:
        message = f"Code has at most {MAX_CODE:,} characters."
        return (error(At(1, 1), "TooLong", message, "Split the class."),)
    if "\x00" in code:
        return (error(At(1, 1), "NulCharacter", "The code holds a NUL character.", "Remove it."),)
    if (place := unclosed(code)) is not None:
        what = "comment" if code.startswith("/*", place) else "string"
        at = At(code.count("\n", 0, place) + 1, place - code.rfind("\n", 0, place))
        fix = "Close it with */." if what == "comment" else r"Close it with '; write a quote inside as \'."
        return (error(at, f"Unterminated{what.title()}", f"This {what} is never closed.", fix),)
    tree = parse_apex(code)
    broken = tree.broken()
    if broken:
        return broken
    outline = Outline(tree)
    found = [
        *refused(outline),
        *invented(outline, library),
        *unknown_fields(outline, schema),
        *(one for query in _queries(outline) for one in judged(query, schema, in_apex=True, version=version)),
        *Spending(outline).findings(),
        *unsafe(outline, version),
        *careless(outline),
    ]
    return ordered(found)


def _queries(outline: Outline) -> Iterator[Query]:
    for node in outline.of("soql_query_body"):
        if node.parent is None or node.parent.type != "subquery":
            yield read(node, outline.tree)
