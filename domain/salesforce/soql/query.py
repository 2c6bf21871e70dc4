"""A query as data."""

from collections.abc import Iterator

from msgspec import Struct

AGGREGATES = frozenset({"count", "count_distinct", "sum", "avg", "min", "max"})


class At(Struct, frozen=True):
    """A place in the code; line and column from 1."""

    line: int
    column: int


class Field(Struct, frozen=True):
    """A field with the relationships that lead to it: `Account.Owner.Name`."""

    path: tuple[str, ...]
    at: At

    @property
    def name(self) -> str:
        """As written, parts joined by dots."""
        return ".".join(self.path)


class Literal(Struct, frozen=True):
    """A value; `kind` is 'text', 'date', 'bind', 'list', ...; `items` are those of a list."""

    kind: str
    said: str
    at: At
    items: tuple["Literal", ...] = ()


class Call(Struct, frozen=True):
    """A function with its arguments; `said` is all of it as written."""

    function: str
    arguments: tuple["Field | Call | Literal", ...]
    said: str
    at: At

    @property
    def aggregates(self) -> bool:
        """Whether this makes one value of many rows, itself or inside."""
        inner = (one for one in self.arguments if isinstance(one, Call))
        return self.function.lower() in AGGREGATES or any(one.aggregates for one in inner)

    def fields(self) -> Iterator[Field]:
        """The fields among the arguments, at any depth."""
        for one in self.arguments:
            if isinstance(one, Field):
                yield one
            elif isinstance(one, Call):
                yield from one.fields()


class AllFields(Struct, frozen=True):
    """`FIELDS(ALL)`, `FIELDS(CUSTOM)` or `FIELDS(STANDARD)`."""

    kind: str
    at: At


class Typeof(Struct, frozen=True):
    """Fields by the kind of object that a relationship leads to."""

    relationship: str
    fields: tuple[tuple[str | None, Field], ...]
    at: At


class Selected(Struct, frozen=True):
    """One item of the SELECT clause with its alias."""

    what: "Field | Call | AllFields | Typeof | Query"
    alias: str | None = None


class Comparison(Struct, frozen=True):
    """A condition on one field; `operator` is upper case, its words one space apart."""

    left: Field | Call
    operator: str
    right: "Literal | Query"
    at: At


class Logic(Struct, frozen=True):
    """Conditions joined by `and` or `or`, or one negated by `not`."""

    operator: str
    terms: tuple["Comparison | Logic", ...]


Operand = Field | Call
Condition = Comparison | Logic


class Query(Struct, frozen=True):
    """One query or subquery. `sources` are (object or relationship, alias), `with_` what follows WITH."""

    selected: tuple[Selected, ...]
    sources: tuple[tuple[Field, str | None], ...]
    at: At
    where: Condition | None = None
    with_: tuple[str, At] | None = None
    grouped: tuple[Operand, ...] = ()
    having: Condition | None = None
    ordered: tuple[Operand, ...] = ()
    limit: Literal | None = None
    offset: Literal | None = None
    for_: str = ""
    all_rows: At | None = None

    @property
    def aggregates(self) -> bool:
        """Whether its rows are made of many, by functions or by grouping."""
        calls = (one.what for one in self.selected if isinstance(one.what, Call))
        return bool(self.grouped) or any(one.aggregates for one in calls)

    @property
    def subqueries(self) -> tuple["Query", ...]:
        """Those of the SELECT clause."""
        return tuple(one.what for one in self.selected if isinstance(one.what, Query))

    def comparisons(self) -> Iterator[Comparison]:
        """All of the WHERE clause."""
        return flat(self.where)

    def calls(self) -> Iterator[Call]:
        """Every call outside subqueries and grouping, arguments included."""
        conditions = (*flat(self.where), *flat(self.having))
        found = (*(one.what for one in self.selected), *self.ordered, *(one.left for one in conditions))
        for one in found:
            if isinstance(one, Call):
                yield one
                yield from (inner for inner in one.arguments if isinstance(inner, Call))

    def fields(self) -> Iterator[Field]:
        """Every field that is named outside subqueries, arguments of functions included."""
        operands = [one.what for one in self.selected if isinstance(one.what, Field | Call)]
        conditions = (*flat(self.where), *flat(self.having))
        operands += [one.left for one in conditions] + [*self.grouped, *self.ordered]
        for operand in operands:
            yield from (operand,) if isinstance(operand, Field) else operand.fields()


def flat(condition: Condition | None) -> Iterator[Comparison]:
    """The comparisons of a condition, in order."""
    if isinstance(condition, Comparison):
        yield condition
    elif condition is not None:
        for term in condition.terms:
            yield from flat(term)


def said(operand: Operand) -> str:
    """A field or a call as written, blanks left out."""
    return operand.name if isinstance(operand, Field) else operand.said
