"""Questions about several conditions at once, answered for all facts by the solver z3 (extra `prove`).

Each fact is a variable and whether it is known another one; a comparison is true when its fact is known and
it holds, false when it is known and it fails (strong Kleene logic, as in evaluate.py). 'matches' is left
open, so what is proved impossible is; every example is checked by our own evaluator before it is shown.
"""

import re
from collections.abc import Sequence
from typing import Any

import z3  # type: ignore[import-untyped]  # has no stubs

from domain.rules.condition import Comparison, Condition, leaves
from domain.rules.evaluate import number, verdict
from domain.rules.facts import NOW, Fact, Facts, FactValue, Kind, Schema, moment
from domain.rules.words import duration

Term = Any
"""A term of the solver, which is untyped."""
TIMEOUT = 5_000
"""Milliseconds for one question."""
ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
MOST = 4_102_444_800.0
"""Seconds from 1970 to 2100: times that an example may name."""


class Solver:
    """Examples over one schema, and proofs that there are none."""

    def __init__(self, schema: Schema, timeout: int = TIMEOUT) -> None:
        self._schema, self._timeout = schema, timeout

    def example(self, holds: Sequence[Condition], fails: Sequence[Condition]) -> Facts | None:
        """Facts for which all of `holds` are certain and none of `fails` is; None when there are none at all.

        Raises `TimeoutError` when that was not decided.
        """
        encoding = _Encoding(self._schema, [leaf for one in (*holds, *fails) for leaf in leaves(one)])
        solver = z3.Solver()
        solver.set("timeout", self._timeout)
        solver.add(*encoding.bounds)
        solver.add(*(encoding.certain(one) for one in holds))
        solver.add(*(z3.Not(encoding.certain(one)) for one in fails))
        answer = solver.check()
        if answer == z3.unsat:
            return None
        if answer == z3.unknown:
            raise TimeoutError
        facts = encoding.facts(solver.model())
        known = self._schema.known(facts)
        if not all(verdict(one, known) is True for one in holds) or any(verdict(one, known) for one in fails):
            raise TimeoutError
        return facts


class _Encoding:
    """The facts that some comparisons read, as variables."""

    def __init__(self, schema: Schema, read: Sequence[Comparison]) -> None:
        names = dict.fromkeys(leaf.field for leaf in read)
        if any(leaf.operator == "within" for leaf in read):
            names[NOW] = None
        self._facts = {name: schema.facts[name] for name in names}
        always = z3.And([])
        self._known = {n: z3.Bool(f"known {n}") if f.nullable else always for n, f in self._facts.items()}
        self._value = {name: _variable(fact) for name, fact in self._facts.items()}
        self._items: dict[tuple[str, str], Term] = {}
        self.bounds = [
            bound for name, fact in self._facts.items() for bound in _bounds(fact, self._value[name])
        ]

    def certain(self, condition: Condition) -> Term:
        """That a condition is true."""
        return self._truth(condition, wanted=True)

    def facts(self, model: Any) -> dict[str, FactValue]:  # noqa: ANN401  # the solver's model
        """The facts of a model; those that may be anything are left out where they may be missing."""
        found: dict[str, FactValue] = {}
        for name, fact in self._facts.items():
            if z3.is_true(model.eval(self._known[name], model_completion=True)):
                found[name] = self._read(fact, model)
        return found

    def _truth(self, condition: Condition, *, wanted: bool) -> Term:
        """That a condition is true, or that it is false; it may be neither."""
        if isinstance(condition, Comparison):
            return self._leaf(condition, wanted=wanted)
        inner = wanted != (condition.operator == "NOT")
        members = [self._truth(member, wanted=inner) for member in condition.rules]
        every = (condition.operator == "AND") == wanted if condition.operator != "NOT" else wanted
        return z3.And(members) if every else z3.Or(members)

    def _leaf(self, leaf: Comparison, *, wanted: bool) -> Term:
        known = self._known[leaf.field]
        if leaf.operator == "exists":
            return known if leaf.value is wanted else z3.Not(known)
        if leaf.operator == "within":
            known = z3.And(known, self._known[NOW])
        holds = self._holds(leaf)
        return z3.And(known, holds if wanted else z3.Not(holds))

    def _holds(self, leaf: Comparison) -> Term:  # noqa: PLR0911  # one return a kind of operator
        value, fact = self._value[leaf.field], self._facts[leaf.field]
        if fact.kind is Kind.LIST:
            return self._item(leaf.field, str(leaf.value))
        if leaf.operator == "matches":
            return self._item(leaf.field, f"/{leaf.value}/")
        if leaf.operator in {"contains", "starts_with"}:
            part = _text(str(leaf.value))
            return z3.Contains(value, part) if leaf.operator == "contains" else z3.PrefixOf(part, value)
        if leaf.operator == "within":
            low, high = duration(str(leaf.value))
            age = self._value[NOW] - value
            return z3.And(age >= low, age <= high)
        if isinstance(leaf.value, tuple):
            constants = [_constant(fact, one) for one in leaf.value]
            if leaf.operator == "between":
                return z3.And(value >= constants[0], value <= constants[1])
            listed = z3.Or([value == one for one in constants])
            return listed if leaf.operator == "in" else z3.Not(listed)
        return _compared(leaf.operator, value, _constant(fact, leaf.value))

    def _item(self, field: str, item: str) -> Term:
        return self._items.setdefault((field, item), z3.Bool(f"{field} has {item}"))

    def _read(self, fact: Fact, model: Any) -> FactValue:  # noqa: ANN401  # as above
        if fact.kind is Kind.LIST:
            has = {item: term for (field, item), term in self._items.items() if field == fact.name}
            return tuple(item for item, term in has.items() if z3.is_true(model.eval(term)))
        value = model.eval(self._value[fact.name], model_completion=True)
        if fact.kind is Kind.BOOLEAN:
            return bool(z3.is_true(value))
        if fact.kind is Kind.TEXT:
            return ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), value.as_string())
        real = value.as_fraction() if z3.is_rational_value(value) else value.as_long()
        return moment(float(real)) if fact.kind is Kind.TIME else float(real)


def _variable(fact: Fact) -> Term:
    if fact.kind is Kind.NUMBER:
        return z3.Int(fact.name) if fact.whole else z3.Real(fact.name)
    if fact.kind is Kind.TIME:
        return z3.Real(fact.name)
    return z3.Bool(fact.name) if fact.kind is Kind.BOOLEAN else z3.String(fact.name)


def _bounds(fact: Fact, value: Term) -> list[Term]:
    if fact.kind is Kind.TIME:
        return [value >= 0, value <= MOST]
    if fact.kind is Kind.TEXT and fact.values:
        return [z3.Or([value == _text(one) for one in fact.values])]
    if fact.kind is not Kind.NUMBER:
        return []
    low = [] if fact.low is None else [value >= fact.low]
    return [*low, *([] if fact.high is None else [value <= fact.high])]


def _constant(fact: Fact, value: object) -> Term:
    if fact.kind is Kind.BOOLEAN:
        return z3.BoolVal(value)
    return _text(str(value)) if fact.kind is Kind.TEXT else z3.RealVal(repr(number(value)))


def _text(value: str) -> Term:
    """A text constant; the solver reads escapes in it, so that whatever is not plain ASCII becomes one."""
    return z3.StringVal("".join(c if c.isascii() and c != "\\" else f"\\u{{{ord(c):x}}}" for c in value))


def _compared(operator: str, value: Term, constant: Term) -> Term:
    match operator:
        case "==":
            return value == constant
        case "!=":
            return value != constant
        case "<":
            return value < constant
        case "<=":
            return value <= constant
        case ">":
            return value > constant
        case _:
            return value >= constant
