"""Whether the standard classes and methods that code names are there."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from domain.salesforce.apex.outline import Outline, type_of
from domain.salesforce.checking import Finding
from domain.salesforce.schema import closest
from domain.salesforce.soql.finding import error
from domain.salesforce.syntax import Node, text

JAVA = {
    "stringbuilder": "Collect the parts in a List<String>, and write String.join(parts, '').",
    "stringbuffer": "Collect the parts in a List<String>, and write String.join(parts, '').",
    "arraylist": "Write new List<String>().",
    "linkedlist": "Write new List<String>().",
    "hashmap": "Write new Map<Id, Account>().",
    "treemap": "Write new Map<Id, Account>(), and sort its keys in a list.",
    "hashset": "Write new Set<Id>().",
    "simpledateformat": "Write Datetime.now().format('yyyy-MM-dd').",
    "bigdecimal": "Write Decimal.",
}
"""Classes that people bring along from Java, and what Apex has."""
OF_ALL = frozenset({"tostring", "hashcode", "equals"})
"""Methods that everything has."""
OF_ENUMS = frozenset({"name", "ordinal", "values", "valueof"})
SYSTEM = "system."


class ApexClass(Struct, frozen=True):
    """A standard class: methods with the numbers of arguments that they take, properties, constructors."""

    name: str
    methods: Mapping[str, tuple[int, ...]] = {}
    properties: tuple[str, ...] = ()
    constructors: tuple[int, ...] = ()


class Known(Struct, frozen=True):
    """A class ready for look-ups: methods by lower-case name with their own name and numbers of arguments."""

    name: str
    methods: Mapping[str, tuple[str, tuple[int, ...]]]


class Library:
    """Apex's standard classes by name; those of System also without their namespace."""

    def __init__(self, encoded: Mapping[str, bytes]) -> None:
        """`encoded` are `ApexClass`es as JSON, by lower-case name with namespace."""
        self._encoded = encoded
        self._namespaces = frozenset(name.split(".", 1)[0] for name in encoded)
        self.find = lru_cache(maxsize=2_000)(self._found)
        """The class of a name as written in code, or None."""

    def _found(self, name: str) -> Known | None:
        encoded = self._encoded.get(name.lower()) or self._encoded.get(f"{SYSTEM}{name.lower()}")
        if encoded is None:
            return None
        found = msgspec.json.decode(encoded, type=ApexClass)
        return Known(found.name, {one.lower(): (one, counts) for one, counts in found.methods.items()})

    def names(self, namespace: str) -> Iterable[str]:
        """The classes of a namespace, in lower case and without it."""
        before = f"{namespace.lower()}."
        return [name.removeprefix(before) for name in self._encoded if name.startswith(before)]

    def is_namespace(self, name: str) -> bool:
        """Whether standard classes have this namespace."""
        return name.lower() in self._namespaces


def invented(outline: Outline, library: Library) -> Iterator[Finding]:
    """Calls of methods that a standard class does not have, or not with so many arguments."""
    for node in outline.of("method_invocation"):
        target = node.child_by_field_name("object")
        known = None if target is None else _class_of(target, outline, library)
        if known is not None:
            yield from _method(node, known, outline)
    for node in outline.of("object_creation_expression"):
        yield from _namespaced(node, outline, library)
        java = JAVA.get(type_of(node)) if type_of(node) not in outline.types else None
        if java is not None:
            yield error(outline.at(node), "UnknownClass", "This is a class of Java, and not of Apex.", java)


def _method(node: Node, known: Known, outline: Outline) -> Iterator[Finding]:
    named = node.child_by_field_name("name")
    said = text(named) if named else ""
    methods = known.methods
    if said.lower() in OF_ALL or (said.lower() in OF_ENUMS and "values" in methods):
        return
    if said.lower() not in methods:
        near = closest(said, methods)
        short = known.name.removeprefix("System.")
        fix = f"Did you mean {methods[near][0]}?" if near else f"Look {short} up in the Apex Reference Guide."
        yield error(outline.at(named or node), "UnknownMethod", f"{short} has no method {said}.", fix)
        return
    arguments = node.child_by_field_name("arguments")
    given, counts = len(arguments.named_children) if arguments else 0, methods[said.lower()][1]
    if given not in counts:
        wanted = " or ".join(str(one) for one in counts)
        message = f"{methods[said.lower()][0]} takes {wanted} arguments, not {given}."
        yield error(outline.at(named or node), "WrongArguments", message, "Look the method's parameters up.")


def _class_of(target: Node, outline: Outline, library: Library) -> Known | None:
    """The standard class that a method is called on: by its name, or as the type of a variable."""
    said = text(target).lower()
    if target.type == "string_literal":
        return library.find("String")
    if target.type == "identifier":
        kind = outline.variable(said)
        if said in outline.variables:
            return library.find(kind) if kind and kind not in outline.types else None
        return library.find(said) if said not in outline.types else None
    if target.type == "field_access" and said.count(".") == 1:
        namespace = said.split(".", 1)[0]
        if namespace not in outline.variables and namespace not in outline.types:
            return library.find(said) if library.is_namespace(namespace) else None
    return None


def _namespaced(node: Node, outline: Outline, library: Library) -> Iterator[Finding]:
    """`new Namespace.Name()` of a standard namespace that has no such class."""
    kind = node.child_by_field_name("type")
    said = text(kind).split("<", 1)[0] if kind else ""
    namespace, _, name = said.partition(".")
    if not name or "." in name or namespace.lower() in outline.types or not library.is_namespace(namespace):
        return
    if library.find(said) is None:
        near = closest(name, library.names(namespace))
        fix = (
            f"Did you mean {namespace}.{near}?" if near else "Look the class up in the Apex Reference Guide."
        )
        yield error(outline.at(node), "UnknownClass", f"{namespace} has no class {name}.", fix)
