"""Whether the fields that code reads and writes are there, as far as a variable's type is known."""

from collections.abc import Iterator

from domain.salesforce.apex.outline import Outline, type_of
from domain.salesforce.checking import Finding
from domain.salesforce.schema import Known, Schema, closest, is_custom
from domain.salesforce.soql.finding import error
from domain.salesforce.syntax import Node, text

SPECIAL = frozenset({"sobjecttype", "fields"})
"""Members that every record has besides its fields."""


def unknown_fields(outline: Outline, schema: Schema) -> Iterator[Finding]:
    """Fields that a standard object does not have: `account.Nam`, `new Account(Nam = 'x')`."""
    for node in outline.of("field_access"):
        target, field = node.child_by_field_name("object"), node.child_by_field_name("field")
        if target is not None and field is not None and target.type == "identifier":
            known = _object(outline.variable(text(target)), outline, schema)
            yield from _field(field, known, outline)
    for node in outline.of("object_creation_expression"):
        known, arguments = _object(type_of(node), outline, schema), node.child_by_field_name("arguments")
        for one in arguments.named_children if arguments is not None else ():
            left = one.child_by_field_name("left") if one.type == "assignment_expression" else None
            if left is not None and left.type == "identifier":
                yield from _field(left, known, outline)


def _object(name: str | None, outline: Outline, schema: Schema) -> Known | None:
    return None if name is None or name in outline.types else schema.object(name)


def _field(node: Node, known: Known | None, outline: Outline) -> Iterator[Finding]:
    said = text(node)
    low = said.lower()
    if known is None or is_custom(said) or low in SPECIAL:
        return
    if low in known.fields or low in known.parents or low in known.children:
        return
    near = closest(said, known.fields)
    fix = f"Did you mean {known.fields[near][0]}?" if near else f"A custom field is {said}__c."
    yield error(outline.at(node), "UnknownField", f"{known.name} has no field {said}.", fix)
