"""Whether the objects, fields and relationships of a query are there, and values fit their fields."""

from collections.abc import Generator, Iterator, Mapping

from msgspec import Struct

from domain.salesforce.checking import Finding
from domain.salesforce.schema import ANY, NAME, Known, Schema, closest, is_custom
from domain.salesforce.soql.finding import error, unjudged
from domain.salesforce.soql.query import At, Call, Field, Query, Typeof, said
from domain.salesforce.soql.values import Reached, value_rules

UNGROUPED = frozenset({"datetime", "long text", "address", "location", "blob"})
"""Kinds that cannot be grouped."""
SUMMED = frozenset({"sum", "avg"})
Finder = Generator[Finding, None, Known | None]
"""Yields findings, and returns the object that was looked for."""


class Scope(Struct, frozen=True):
    """The object of a query and what its aliases stand for."""

    object: Known
    own: frozenset[str]
    paths: Mapping[str, tuple[str, ...]]

    def path(self, field: Field) -> tuple[str, ...]:
        """The path of a field from the object of the query on."""
        first, *rest = field.path
        if rest and first.lower() in self.own:
            return tuple(rest)
        return (*self.paths.get(first.lower(), (first,)), *rest) if rest else field.path


def unknown_names(query: Query, schema: Schema, parent: Known | None = None) -> Iterator[Finding]:
    """What is wrong with the names of a query and its subqueries; `parent` is the object around it."""
    source = query.sources[0][0]
    found = yield from _object_of(source, schema, parent)
    if found is None:
        return
    scope = _scope(query, found)
    for field in query.fields():
        yield from _field(field, scope, schema)
    for item in query.selected:
        if isinstance(item.what, Typeof):
            yield from _typeof(item.what, scope, schema)
    for comparison in query.comparisons():
        if isinstance(comparison.right, Query):
            yield from unknown_names(comparison.right, schema)
            yield from _selected_id(comparison.right, schema)
        yield from value_rules(comparison, reached(comparison.left, scope, schema))
    yield from _kinds(query, scope, schema)
    for inner in query.subqueries:
        yield from unknown_names(inner, schema, found)


def _selected_id(query: Query, schema: Schema) -> Iterator[Finding]:
    scope, selected = scope_of(query, schema), query.selected[0].what
    if scope is None or not isinstance(selected, Field):
        return
    if reached(selected, scope, schema).kind not in {None, "id", "any"}:
        message = f"A semi-join selects an Id or a lookup, and {selected.name} is none."
        yield error(selected.at, "SemiJoinNeedsId", message, "Select the Id or the lookup.")


def scope_of(query: Query, schema: Schema) -> Scope | None:
    """What the paths of a query start from, if its object is known."""
    found = schema.object(query.sources[0][0].name)
    return None if found is None else _scope(query, found)


def reached(operand: Field | Call, scope: Scope, schema: Schema) -> Reached:
    """What a field is; of a function's result nothing is known, but for DAY_ONLY."""
    if isinstance(operand, Call):
        return Reached("date" if operand.function.lower() == "day_only" else None)
    *relationships, last = scope.path(operand)
    at: Known | None = scope.object
    for one in relationships:
        at = None if at is None else _parent(at, one, schema)
    if at is None or last.lower() not in at.fields:
        return Reached(None)
    return Reached(at.fields[last.lower()][1], last.lower() in at.indexed)


def _object_of(source: Field, schema: Schema, parent: Known | None) -> Finder:
    if parent is not None:
        return (yield from _child(source, schema, parent))
    found = schema.object(source.name)
    if found is not None:
        return found
    if schema.elsewhere(source.name):
        yield unjudged(source.at, f"Whether {source.name} is there only its org can tell.")
        return None
    meant = schema.like(source.name)
    yield error(
        source.at,
        "UnknownObject",
        f"There is no object {source.name} (INVALID_TYPE).",
        f"Did you mean {meant}?" if meant else "Use the API name; custom objects end in __c.",
        *((source.name, meant) if meant else ()),
    )
    return None


def _child(source: Field, schema: Schema, parent: Known) -> Finder:
    name = source.path[-1]
    if name.lower() in parent.children:
        return schema.object(parent.children[name.lower()][1])
    if is_custom(name) and not parent.complete:
        yield unjudged(source.at, f"Whether {parent.name} has the children {name} only its org can tell.")
        return None
    of_object = next((said for said, to in parent.children.values() if to.lower() == name.lower()), None)
    near = closest(name, parent.children)
    meant = of_object or (parent.children[near][0] if near else None)
    yield error(
        source.at,
        "UnknownRelationship",
        f"{parent.name} has no child relationship {name}.",
        f"Write {meant}." if meant else "Name the child relationship, mostly the plural of the object.",
        *((name, meant) if meant else ()),
    )
    return None


def _scope(query: Query, found: Known) -> Scope:
    (source, alias), *others = query.sources
    own = {source.path[-1].lower(), found.name.lower(), *([alias.lower()] if alias else [])}
    paths: dict[str, tuple[str, ...]] = {}
    for one, name in others:
        first, *rest = one.path
        if name and rest:
            paths[name.lower()] = (
                tuple(rest) if first.lower() in own else (*paths.get(first.lower(), (first,)), *rest)
            )
    return Scope(found, frozenset(own - {one.lower() for one in found.parents}), paths)


def _field(field: Field, scope: Scope, schema: Schema) -> Iterator[Finding]:
    *relationships, last = scope.path(field)
    at = scope.object
    for one in relationships:
        after = yield from _step(at, one, field.at, schema)
        if after is None:
            return
        at = after
    if last.lower() not in at.fields:
        yield from _no_field(at, last, field.at)


def _step(at: Known, relationship: str, place: At, schema: Schema) -> Finder:
    after = _parent(at, relationship, schema)
    if after is not None or relationship.lower() in at.parents:
        return after
    if is_custom(relationship) and not at.complete:
        yield unjudged(place, f"Whether {at.name} has the relationship {relationship} only its org can tell.")
        return None
    lookup = relationship.removesuffix("Id")
    near = lookup.lower() if lookup.lower() in at.parents else closest(relationship, at.parents)
    yield error(
        place,
        "UnknownRelationship",
        f"{at.name} has no relationship {relationship}.",
        f"Write {at.parents[near][0]}."
        if near
        else "Name the relationship of a lookup, as Account for AccountId.",
        *((relationship, at.parents[near][0]) if near else ()),
    )
    return None


def _no_field(at: Known, name: str, place: At) -> Iterator[Finding]:
    if is_custom(name) and not at.complete:
        yield unjudged(place, f"Whether {at.name} has the field {name} only its org can tell.")
        return
    swap: tuple[str, ...] = ()
    if name.lower() in at.parents:
        meant = f"Write {name}Id, or a field of it: {name}.Name."
    elif name.lower() in at.children:
        meant = f"Nest the children: (SELECT Id FROM {at.children[name.lower()][0]})."
    else:
        near = closest(name, at.fields)
        swap = (name, at.fields[near][0]) if near else ()
        meant = f"Did you mean {at.fields[near][0]}?" if near else _as_custom(name)
    yield error(place, "UnknownField", f"{at.name} has no field {name} (INVALID_FIELD).", meant, *swap)


def _as_custom(name: str) -> str:
    return "Look its API name up in Object Manager." if is_custom(name) else f"A custom field is {name}__c."


def _kinds(query: Query, scope: Scope, schema: Schema) -> Iterator[Finding]:
    """Fields that cannot be grouped or summed."""
    for one in query.grouped:
        kind = reached(one, scope, schema).kind if isinstance(one, Field) else None
        if kind in UNGROUPED:
            fix = f"Group by DAY_ONLY({said(one)})." if kind == "datetime" else "Leave it out, or use MAX()."
            yield error(one.at, "NotGroupable", f"{said(one)} is a {kind}, which cannot be grouped.", fix)
    for call in query.calls():
        summed = call.arguments[0] if call.function.lower() in SUMMED and call.arguments else None
        kind = reached(summed, scope, schema).kind if isinstance(summed, Field) else None
        if isinstance(summed, Field) and kind not in {None, "number", "integer", "any"}:
            message = f"{call.function.upper()} needs a number, and {said(summed)} is a {kind}."
            yield error(call.at, "AggregateForType", message, "Use COUNT, MIN or MAX.")


def _typeof(item: Typeof, scope: Scope, schema: Schema) -> Iterator[Finding]:
    found = scope.object.parents.get(item.relationship.lower())
    if found is None:
        yield from _step(scope.object, item.relationship, item.at, schema)
        return
    if found[1] != ANY:
        message = f"{item.relationship} leads to {found[1]} only."
        yield error(item.at, "TypeofOfOneType", message, f"Write {item.relationship}.Name and the like.")
    for kind, field in item.fields:
        at = schema.object(kind or NAME)
        if at is not None:
            yield from _field(field, Scope(at, frozenset(), {}), schema)


def _parent(at: Known, relationship: str, schema: Schema) -> Known | None:
    found = at.parents.get(relationship.lower())
    return None if found is None else schema.object(NAME if found[1] == ANY else found[1])
