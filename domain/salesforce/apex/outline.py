"""The parts of a piece of Apex: its types, methods, variables with their types, loops."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from domain.salesforce.soql.query import At
from domain.salesforce.syntax import Node, Tree, text, walk

TYPES = frozenset({"class_declaration", "interface_declaration", "enum_declaration"})
METHODS = frozenset({"method_declaration", "constructor_declaration"})
LOOPS = frozenset({"for_statement", "enhanced_for_statement", "while_statement", "do_statement"})
MAX_BYTE = 2**62
MAX_GIVEN = 20
"""Values of one variable that are looked at."""
VARIABLES = frozenset({"field_declaration", "local_variable_declaration"})


class Outline:
    """What a tree of Apex declares. Names are compared in lower case, as Apex does."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._nodes: defaultdict[str, list[Node]] = defaultdict(list)
        for node in walk(tree.root):
            self._nodes[node.type].append(node)

    def of(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds, in the order of the code."""
        if len(kinds) == 1:
            return self._nodes.get(kinds[0], [])
        found = [node for kind in kinds for node in self._nodes.get(kind, ())]
        return sorted(found, key=lambda node: node.start_byte)

    def at(self, node: Node) -> At:
        """Where a node begins."""
        return At(*self.tree.place(node))

    @cached_property
    def trigger(self) -> Node | None:
        """The trigger, if this is one."""
        return next(iter(self.of("trigger_declaration")), None)

    @cached_property
    def types(self) -> frozenset[str]:
        """Names of the types that are declared here."""
        return frozenset(name_of(node) for node in self.of(*TYPES))

    @cached_property
    def methods(self) -> Mapping[str, tuple[Node, ...]]:
        """Methods by name, overloads beside each other."""
        found: dict[str, tuple[Node, ...]] = {}
        for node in self.of("method_declaration"):
            found[name_of(node)] = (*found.get(name_of(node), ()), node)
        return found

    def method_around(self, node: Node) -> str | None:
        """The name of the method that a node is in."""
        place = bisect_right(self._method_starts, (node.start_byte, MAX_BYTE, "")) - 1
        if place < 0:
            return None
        _, end, name = self._method_starts[place]
        return name if node.end_byte <= end else None

    @cached_property
    def _method_starts(self) -> list[tuple[int, int, str]]:
        return sorted(
            (node.start_byte, node.end_byte, name_of(node)) for node in self.of("method_declaration")
        )

    @cached_property
    def given(self) -> Mapping[str, tuple[Node, ...]]:
        """What variables of a name are given anywhere in the code."""
        pairs = [(one, "name", "value") for one in self.of("variable_declarator")]
        pairs += [(one, "left", "right") for one in self.of("assignment_expression")]
        found: dict[str, tuple[Node, ...]] = {}
        for node, to, value in pairs:
            left, right = node.child_by_field_name(to), node.child_by_field_name(value)
            if left is not None and right is not None:
                name = text(left).lower()
                found[name] = (*found.get(name, ()), right)[:MAX_GIVEN]
        return found

    @cached_property
    def variables(self) -> Mapping[str, frozenset[str]]:
        """The types that variables of a name have anywhere in the code, type arguments left out."""
        found: dict[str, set[str]] = {}
        for node in self.of(*VARIABLES):
            for declarator in node.children_by_field_name("declarator"):
                found.setdefault(name_of(declarator), set()).add(type_of(node))
        for node in self.of("formal_parameter", "enhanced_for_statement"):
            found.setdefault(name_of(node), set()).add(type_of(node))
        return {name: frozenset(types) for name, types in found.items()}

    def variable(self, name: str) -> str | None:
        """The type of a variable, if all of that name have the same."""
        types = self.variables.get(name.lower(), frozenset())
        return next(iter(types)) if len(types) == 1 else None


def name_of(node: Node) -> str:
    """The name that a declaration has, in lower case."""
    named = node.child_by_field_name("name")
    return text(named).lower() if named else ""


def type_of(node: Node) -> str:
    """The type that a declaration has, in lower case and without type arguments; 'list' for an array."""
    found = node.child_by_field_name("type")
    if found is None:
        return ""
    return "list" if found.type == "array_type" else text(found).split("<", 1)[0].strip().lower()


def annotations(node: Node) -> dict[str, str]:
    """The annotations of a declaration by lower-case name, with their arguments as written."""
    modifiers = next((one for one in node.children if one.type == "modifiers"), None)
    found = [one for one in modifiers.children if one.type == "annotation"] if modifiers else []
    return {name_of(one): text(one.child_by_field_name("arguments") or one) for one in found}


def modifiers(node: Node) -> frozenset[str]:
    """The modifiers of a declaration in lower case, such as 'static' and 'with sharing'."""
    found = next((one for one in node.children if one.type == "modifiers"), None)
    return frozenset(" ".join(text(one).lower().split()) for one in (found.children if found else []))


def above(node: Node, *kinds: str) -> Node | None:
    """The nearest node of these kinds around a node."""
    around = node.parent
    while around is not None and around.type not in kinds:
        around = around.parent
    return around
