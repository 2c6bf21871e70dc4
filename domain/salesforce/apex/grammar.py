"""What Salesforce's parser refuses and the grammar takes."""

import re
from collections.abc import Iterator

from domain.salesforce.apex.outline import Outline
from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.syntax import text

QUIET = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:[^'\\\n]|\\.)*'|/\*|'", re.DOTALL)
"""Comments and strings; a beginning alone where there is no end."""
RESERVED = frozenset({
    "abstract", "and", "break", "byte", "case", "cast", "catch", "char", "class", "const", "continue",
    "delete", "do", "else", "enum", "extends", "false", "final", "finally", "float", "for", "from",
    "global", "goto", "having", "if", "implements", "import", "in", "insert", "int", "interface",
    "into", "like", "limit", "merge", "new", "not", "null", "or", "override", "package", "private",
    "protected", "public", "return", "select", "short", "static", "super", "testmethod", "this",
    "throw", "true", "try", "undelete", "update", "upsert", "virtual", "void", "webservice", "where",
    "while",
})  # fmt: skip
"""Words that surely name no variable (Apex Developer Guide: reserved keywords)."""
ACTING = frozenset({
    "method_invocation", "assignment_expression", "update_expression", "object_creation_expression",
    "dml_expression", "explicit_constructor_invocation", "run_as_statement", "query_expression",
})  # fmt: skip
"""Expressions that may stand as a statement."""


def unclosed(code: str) -> int | None:
    """Where a comment or a string begins that does not end, if there is one. A string ends on its line."""
    found = (match.start() for match in QUIET.finditer(code) if match.group() in {"/*", "'"})
    return next(found, None)


def refused(outline: Outline) -> Iterator[Finding]:
    """Reserved words as names, empty type arguments, values as statements."""
    for node in outline.of("variable_declarator", "formal_parameter"):
        named = node.child_by_field_name("name")
        if named is not None and text(named).lower() in RESERVED:
            message = f"'{text(named)}' is a reserved word and names no variable."
            yield error(outline.at(named), "ReservedWord", message, "Choose another name.")
    for node in outline.of("type_arguments"):
        if not node.named_children:
            yield error(
                outline.at(node), "EmptyTypeArguments", "A type is missing here.", "Write List<Account>."
            )
    for node in outline.of("expression_statement"):
        value = next((one for one in node.named_children if "comment" not in one.type), None)
        if value is not None and value.type not in ACTING:
            message = f"'{text(value)[:40]}' is a value, not a statement."
            yield error(
                outline.at(value), "ValueAsStatement", message, "Assign it, or call a method with it."
            )
