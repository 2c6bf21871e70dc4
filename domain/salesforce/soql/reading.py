"""Reading queries from trees."""

from domain.salesforce.soql.query import (
    AllFields,
    At,
    Call,
    Comparison,
    Condition,
    Field,
    Literal,
    Logic,
    Operand,
    Query,
    Selected,
    Typeof,
)
from domain.salesforce.syntax import Node, Tree, text

LITERALS = {
    "string_literal": "text",
    "int": "number",
    "decimal": "number",
    "currency_literal": "currency",
    "boolean": "boolean",
    "null_literal": "null",
    "date": "date",
    "date_time": "datetime",
    "date_literal": "date literal",
    "date_literal_with_param": "date literal",
    "bound_apex_expression": "bind",
    "comparable_list": "list",
}
"""Kinds of values, by what the grammar calls them."""
CALLS = frozenset({"function_expression", "count_expression", "geo_location_type"})
OPERANDS = CALLS | {"field_identifier"}
JOINED = {"and_expression": "and", "or_expression": "or", "not_expression": "not"}


def read(node: Node, tree: Tree) -> Query:
    """The query of a whole node of its kind, subqueries as parts of it."""
    return _Reader(tree).query(node)


def returned(node: Node, tree: Tree) -> Query:
    """What a search returns of one object, as if it were queried."""
    return _Reader(tree).returned(node)


class _Reader:
    """Makes data of the nodes of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def returned(self, node: Node) -> Query:
        clause = {one.type: one for one in node.named_children}
        return Query(
            tuple(self._selected(one) for one in _named(clause.get("selected_fields"))),
            ((self._field(node.named_children[0]), None),),
            self._at(node),
            self._condition_in(clause.get("where_clause")),
        )

    def query(self, node: Node) -> Query:
        clause = {one.type: one for one in node.named_children}
        group = clause.get("group_by_clause")
        having = _child(group, "having_clause") or clause.get("having_clause")
        limit, offset = clause.get("limit_clause"), clause.get("offset_clause")
        all_rows, with_ = clause.get("all_rows_clause"), _child(clause.get("with_clause"), "with_type")
        return Query(
            tuple(self._selected(one) for one in clause["select_clause"].named_children),
            tuple(self._source(one) for one in clause["from_clause"].named_children),
            self._at(node),
            self._condition_in(clause.get("where_clause")),
            (" ".join(text(with_).split()), self._at(with_)) if with_ else None,
            tuple(self._operand(one) for one in _named(group) if one.type in OPERANDS),
            self._condition_in(having),
            tuple(
                self._operand(one.named_children[0])
                for one in _named(clause.get("order_by_clause"))
                if one.named_children
            ),
            self._literal(limit.named_children[-1]) if limit else None,
            self._literal(offset.named_children[-1]) if offset else None,
            " ".join(text(one).lower() for one in _named(clause.get("for_clause"))),
            self._at(all_rows) if all_rows else None,
        )

    def _at(self, node: Node) -> At:
        return At(*self._tree.place(node))

    def _selected(self, node: Node) -> Selected:
        if node.type == "alias_expression":
            return Selected(self._operand(node.named_children[0]), text(node.named_children[-1]))
        if node.type == "subquery":
            return Selected(self.query(node.named_children[0]))
        if node.type == "fields_expression":
            return Selected(AllFields(text(node.named_children[-1]).upper(), self._at(node)))
        if node.type == "type_of_clause":
            return Selected(self._typeof(node))
        return Selected(self._operand(node))

    def _typeof(self, node: Node) -> Typeof:
        found: list[tuple[str | None, Field]] = []
        for branch in node.named_children[1:]:
            kind = text(branch.named_children[0]) if branch.type == "when_expression" else None
            found += [(kind, self._field(one)) for one in branch.named_children[-1].named_children]
        return Typeof(text(node.named_children[0]), tuple(found), self._at(node))

    def _source(self, node: Node) -> tuple[Field, str | None]:
        if node.type == "storage_alias":
            return self._field(node.named_children[0]), text(node.named_children[-1])
        return self._field(node), None

    def _field(self, node: Node) -> Field:
        return Field(tuple(text(node).replace(" ", "").split(".")), self._at(node))

    def _operand(self, node: Node) -> Operand:
        return self._call(node) if node.type in CALLS else self._field(node)

    def _call(self, node: Node) -> Call:
        name, *arguments = node.named_children
        made = tuple(self._argument(one) for one in arguments)
        return Call(text(name), made, "".join(text(node).split()), self._at(node))

    def _argument(self, node: Node) -> Field | Call | Literal:
        return self._literal(node) if node.type in LITERALS else self._operand(node)

    def _condition_in(self, clause: Node | None) -> Condition | None:
        return self._condition(clause.named_children[-1]) if clause else None

    def _condition(self, node: Node) -> Condition:
        if node.type in JOINED:
            return Logic(JOINED[node.type], tuple(self._condition(one) for one in node.named_children))
        left, operator, right = node.named_children[0], node.named_children[1], node.named_children[-1]
        value = self.query(right.named_children[0]) if right.type == "subquery" else self._literal(right)
        said = " ".join(text(operator).upper().split())
        return Comparison(self._operand(left), said, value, self._at(node))

    def _literal(self, node: Node) -> Literal:
        items = (
            tuple(self._literal(one) for one in node.named_children) if node.type == "comparable_list" else ()
        )
        return Literal(LITERALS.get(node.type, node.type), text(node), self._at(node), items)


def _named(node: Node | None) -> list[Node]:
    return [] if node is None else node.named_children


def _child(node: Node | None, kind: str) -> Node | None:
    return next((one for one in _named(node) if one.type == kind), None)
