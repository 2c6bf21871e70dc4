"""What makes Apex unsafe; the rules have PMD's names where PMD has them."""

import re
from collections.abc import Iterator

from domain.salesforce.apex.outline import Outline, modifiers, name_of
from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import warning
from domain.salesforce.syntax import Node, text, walk

USER_MODE = 67
"""API version from which queries run in user mode, and classes without a keyword with sharing."""
DYNAMIC = frozenset({"query", "countquery", "getquerylocator"})
CLEANED = re.compile(r"escapeSingleQuotes|\bvalueOf\b", re.IGNORECASE)
HARMLESS = frozenset({"integer", "long", "decimal", "double", "boolean", "id", "date", "datetime"})
"""Types that cannot hold SOQL."""
RECORD_ID = re.compile(r"'([a-zA-Z0-9]{5}0[a-zA-Z0-9]{9}(?:[A-Z0-5]{3})?)'")
SHARING = frozenset({"with sharing", "without sharing", "inherited sharing"})
MODED = re.compile(r"\bWITH\s+(?:USER_MODE|SYSTEM_MODE|SECURITY_ENFORCED)\b", re.IGNORECASE)
CHECKED = re.compile(
    r"isAccessible|isCreateable|isUpdateable|isDeletable|stripInaccessible|AccessLevel\.", re.IGNORECASE
)


def unsafe(outline: Outline, version: int) -> Iterator[Finding]:
    """Everything unsafe in code of an API version; test classes are left out."""
    if any("istest" in text(node).lower() for node in outline.of("annotation")):
        return
    yield from _injection(outline)
    yield from _ids(outline)
    yield from _endpoints(outline)
    if version < USER_MODE:
        yield from _sharing(outline)
        yield from _rights(outline)


def _injection(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("method_invocation"):
        on, arguments = node.child_by_field_name("object"), node.child_by_field_name("arguments")
        if on is None or text(on).lower() != "database" or name_of(node) not in DYNAMIC or not arguments:
            continue
        first = next(iter(arguments.named_children), None)
        loose = [] if first is None else list(_loose(first, outline))
        if loose:
            yield warning(
                outline.at(node),
                "ApexSOQLInjection",
                f"The query is built from {', '.join(dict.fromkeys(loose))}, which may hold foreign SOQL.",
                "Bind values (:name, Database.queryWithBinds), or clean them: String.escapeSingleQuotes.",
            )


def _loose(node: Node, outline: Outline) -> Iterator[str]:
    """The variables that are put into a text without being cleaned, one step back included."""
    for part in _parts(node):
        if part.type == "identifier":
            for given in outline.given.get(text(part).lower(), (part,)):
                yield from (text(one) for one in _parts(given) if _is_loose(one, outline))
        elif _is_loose(part, outline):
            yield text(part)


def _parts(node: Node) -> Iterator[Node]:
    """What a text is put together from, in order."""
    left = [node]
    while left:
        one = left.pop()
        if one.type in {"binary_expression", "parenthesized_expression"}:
            left += reversed(one.named_children)
        else:
            yield one


def _is_loose(node: Node, outline: Outline) -> bool:
    if node.type == "identifier":
        return outline.variable(text(node)) not in HARMLESS
    return node.type in {"method_invocation", "field_access"} and not CLEANED.search(text(node))


def _ids(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("string_literal"):
        if (found := RECORD_ID.fullmatch(text(node))) and any(one.isdigit() for one in found[1][:3]):
            message = f"The Id {found[1]} is written into the code, and differs in every org."
            yield warning(
                outline.at(node), "AvoidHardcodingId", message, "Query it, or keep it in custom metadata."
            )


def _endpoints(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("string_literal"):
        if text(node).lower().startswith("'http://"):
            message = "http sends everything readable."
            yield warning(
                outline.at(node), "ApexInsecureEndpoint", message, "Use https, best by a Named Credential."
            )
    for node in outline.of("method_invocation"):
        if name_of(node) == "setheader" and "authorization" in text(node).lower() and "'" in text(node):
            message = "Credentials are put into the request by code."
            fix = "Call the endpoint by a Named Credential: callout:Name."
            yield warning(outline.at(node), "ApexSuggestUsingNamedCred", message, fix)


def _sharing(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("class_declaration"):
        outer = node.parent is None or node.parent.type == "parser_output"
        if outer and not modifiers(node) & SHARING and _reads_data(node):
            message = f"The class {name_of(node)} does not say whether sharing rules hold."
            yield warning(
                outline.at(node), "ApexSharingViolations", message, "Write with sharing before class."
            )


def _rights(outline: Outline) -> Iterator[Finding]:
    if CHECKED.search(text(outline.tree.root)):
        return
    for node in outline.of("query_expression", "dml_expression"):
        moded = node.child_by_field_name("security_mode") or MODED.search(text(node))
        if not moded:
            what = "query" if node.type == "query_expression" else "DML"
            fix = (
                "Add WITH USER_MODE."
                if what == "query"
                else "Write as user after the keyword: insert as user x."
            )
            message = (
                f"This {what} runs in system mode before API version {USER_MODE}: no rights are checked."
            )
            yield warning(outline.at(node), "ApexCRUDViolation", message, fix)


def _reads_data(node: Node) -> bool:
    return any(one.type in {"query_expression", "dml_expression"} for one in walk(node))
