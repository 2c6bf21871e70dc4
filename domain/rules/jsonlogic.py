"""JSON-logic: conditions to and from it, and datalogic, which runs what no condition can say.

Missing facts are unknown and a rule fires only when certain (strong Kleene logic): NOT is pushed to the
leaves and every leaf is guarded by `!== null`, so plain two-valued JSON-logic gives the same answer.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import datalogic_py
import msgspec

from domain.rules.condition import Comparison, Condition, Value, parse_condition
from domain.rules.evaluate import Known, KnownValue, number
from domain.rules.facts import AGE, NOW, Fact, Kind, RuleError, Schema
from domain.rules.words import duration, span

PROGRAM_BUDGET = 20_000
"""Operations of one imported expression: under a millisecond, whatever it says."""
OPS_BUDGET = 4_000_000
"""Operations one evaluation may charge; far above any rule set within `ruleset.MAX_VALUES`."""
MAX_DEPTH = 64
"""Levels of an imported expression; deeper Python data would crash the engine itself."""
MAX_NODES = 10_000
OPPOSITE: Mapping[str, str] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not_in",
    "not_in": "in",
}
TURNED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

JsonLogic = Mapping[str, object]

_engine = datalogic_py.Engine(config={"ops_budget": OPS_BUDGET})
_small = datalogic_py.Engine(config={"ops_budget": PROGRAM_BUDGET})


def to_jsonlogic(condition: Condition, schema: Schema, *, negated: bool = False) -> JsonLogic:
    """Derive JSON-logic from a checked tree. Raises `RuleError` for 'matches', which JSON-logic lacks."""
    if isinstance(condition, Comparison):
        return _leaf(condition, schema, negated=negated)
    # NOT is "none of": the negated OR of its members, and De Morgan swaps the connective under a negation.
    disjunction = condition.operator != "AND"
    negated ^= condition.operator == "NOT"
    members = [to_jsonlogic(member, schema, negated=negated) for member in condition.rules]
    return {"or" if disjunction != negated else "and": members}


def from_jsonlogic(logic: object, where: str, schema: Schema) -> Condition:
    """The tree that means the same. Raises `RuleError` where no tree does.

    What `to_jsonlogic` made comes back as it was, with NOT pushed to the leaves.
    """
    check_size(logic, where)
    raw = _Import(where, schema).condition(logic)
    return parse_condition(raw, where, schema)


def check_size(logic: object, where: str) -> None:
    """Refuse expressions that are cyclic, too deep or too large, before any engine sees them."""
    nodes, level, depth = 0, [logic], 0
    while level:
        depth, nodes = depth + 1, nodes + len(level)
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise RuleError(
                "too_large",
                f"{where}: the expression nests deeper than {MAX_DEPTH} or has more than {MAX_NODES} parts.",
            )
        below: list[object] = []
        for node in level:
            if isinstance(node, Mapping):
                below += node.values()
            elif isinstance(node, list | tuple):
                below += node
        level = below


class Program:
    """An expression compiled by datalogic, and the facts that it reads."""

    def __init__(self, logic: object, where: str) -> None:
        check_size(logic, where)
        text = msgspec.json.encode(logic).decode()
        try:
            self._rule = _small.compile(text)
        except (datalogic_py.DataLogicError, ValueError) as error:
            raise RuleError("bad_expression", f"{where}: {error}.") from error
        self.reads = frozenset(_variables(logic))

    def value(self, data: object) -> object:
        """What the expression makes of any JSON data. Raises `RuleError` when the budget runs out."""
        try:
            return self._rule.evaluate(data)
        except (datalogic_py.DataLogicError, ValueError) as error:
            raise RuleError("bad_expression", f"The expression failed: {error}.") from error

    def verdict(self, known: Known) -> bool | None:
        """Whether it holds; None while a fact that it reads is missing."""
        if not self.reads <= known.keys():
            return None
        return truthy(self.value({name: _plain(known[name]) for name in self.reads}))


class CompiledRules:
    """Many conditions compiled as one expression; the second engine that the first must agree with."""

    def __init__(self, conditions: Sequence[Condition], schema: Schema) -> None:
        logic = [to_jsonlogic(condition, schema) for condition in conditions]
        self._rule = _engine.compile(logic) if logic else None

    def fired(self, known: Known) -> list[bool]:
        """Which conditions are certain under facts as `Schema.known` gives them."""
        if self._rule is None:
            return []
        data = {name: _plain(value) for name, value in known.items() if not name.endswith(AGE)}
        return [bool(result) for result in self._rule.evaluate(data)]


def truthy(value: object) -> bool:
    """JSON-logic's own truth: null, false, 0, empty text and empty list are false."""
    return bool(value) or isinstance(value, Mapping)


def _plain(value: KnownValue) -> object:
    return list(value) if isinstance(value, tuple) else value


def _variables(logic: object) -> list[str]:
    if isinstance(logic, Mapping):
        found = [part for value in logic.values() for part in _variables(value)]
        if "var" in logic:
            path = logic["var"]
            path = path[0] if isinstance(path, list) and path else path
            found.append(str(path))
        return [name for name in found if name]
    if isinstance(logic, list | tuple):
        return [part for value in logic for part in _variables(value)]
    return []


def _leaf(leaf: Comparison, schema: Schema, *, negated: bool) -> JsonLogic:
    fact = {"var": leaf.field}
    if leaf.operator == "exists":
        return {"!==" if leaf.value is not negated else "===": [fact, None]}
    operator = leaf.operator
    if negated and operator in OPPOSITE:
        operator, negated = OPPOSITE[operator], False
    test = _test(operator, fact, leaf, schema.facts[leaf.field])
    guards = [{"!==": [{"var": name}, None]} for name in _guarded(leaf)]
    return {"and": [*guards, {"!": [test]} if negated else test]}


def _guarded(leaf: Comparison) -> tuple[str, ...]:
    return (leaf.field, NOW) if leaf.operator == "within" and leaf.field != NOW else (leaf.field,)


def _test(  # noqa: PLR0911  # one return an operator reads best
    operator: str, fact: Mapping[str, str], leaf: Comparison, kind: Fact
) -> JsonLogic:
    value = _exported(leaf.value, kind)
    match operator:
        case "==" | "!=":
            return {f"{operator}=": [fact, value]}
        case "in":
            return {"in": [fact, value]}
        case "not_in":
            return {"!": [{"in": [fact, value]}]}
        case "contains":
            return {"in": [value, fact]}
        case "starts_with":
            return {"===": [{"substr": [fact, 0, len(str(value))]}, value]}
        case "between":
            low, high = value if isinstance(value, list) else (value, value)
            return {"<=": [low, fact, high]}
        case "within":
            low, high = duration(str(leaf.value))
            return {"<=": [low, {"-": [{"var": NOW}, fact]}, high]}
        case "matches":
            raise RuleError("no_json_logic", "JSON-logic has no regular expressions: no 'matches'.")
        case _:
            return {operator: [fact, value]}


def _exported(value: Value, fact: Fact) -> object:
    if isinstance(value, tuple):
        return [_exported(item, fact) for item in value]
    return (
        number(value) if fact.kind is Kind.TIME and isinstance(value, str) and value[:1].isdigit() else value
    )


class _Import:
    """Reads JSON-logic into the customer's JSON form."""

    def __init__(self, where: str, schema: Schema) -> None:
        self._where, self._schema = where, schema

    def condition(self, logic: object) -> dict[str, object]:
        """One condition."""
        if not isinstance(logic, Mapping) or len(logic) != 1:
            raise self._refused(logic, "is not one operation on facts")
        [(operator, given)] = logic.items()
        operands: list[Any] = given if isinstance(given, list) else [given]
        if operator in {"and", "or"}:
            return self._guarded(operands) or self._group(operator.upper(), operands)
        if operator in {"!", "not"} and len(operands) == 1:
            return self._negated(operands[0])
        return self._comparison(str(operator), operands)

    def _group(self, operator: str, members: Sequence[object]) -> dict[str, object]:
        return {"operator": operator, "rules": [self.condition(member) for member in members]}

    def _guarded(self, operands: Sequence[Any]) -> dict[str, object] | None:
        """A test behind `!== null` guards of the very facts that it reads is that test."""
        *guards, test = operands or [None]
        names = [_guarded_fact(guard) for guard in guards]
        joined = isinstance(test, Mapping) and not {"and", "or"}.isdisjoint(test)
        if not names or joined or _guarded_fact(test) or set(names) != set(_variables(test)):
            return None
        try:
            return self.condition(test)
        except RuleError:
            return None

    def _negated(self, logic: object) -> dict[str, object]:
        inner = self.condition(logic)
        if inner.get("operator") == "in":
            return {**inner, "operator": "not_in"}
        if inner.get("operator") == "exists":
            return {**inner, "value": not inner["value"]}
        return {"operator": "NOT", "rules": [inner]}

    def _comparison(self, operator: str, operands: Sequence[Any]) -> dict[str, object]:
        operator = {"===": "==", "!==": "!="}.get(operator, operator)
        if operator == "in" and len(operands) == 2:  # noqa: PLR2004  # needle and haystack
            return self._membership(*operands)
        if operator == "<=" and len(operands) == 3:  # noqa: PLR2004  # low, fact, high
            return self._between(*operands)
        if operator not in TURNED or len(operands) != 2:  # noqa: PLR2004  # two sides
            raise self._refused({operator: operands}, "has no place in the tree")
        left, right = operands
        if _variable(left) is None and _variable(right) is not None:
            left, right, operator = right, left, TURNED[operator]
        if isinstance(left, Mapping) and "substr" in left and operator == "==":
            return self._start(left["substr"], right)
        name = _variable(left)
        if name is None or isinstance(right, Mapping):
            raise self._refused({operator: operands}, "does not compare a fact with a value")
        if right is None and operator in {"==", "!="}:
            return {"field": name, "operator": "exists", "value": operator == "!="}
        return {"field": name, "operator": operator, "value": self._imported(name, right)}

    def _membership(self, needle: object, haystack: object) -> dict[str, object]:
        name, within = _variable(needle), _variable(haystack)
        if name is not None and isinstance(haystack, list):
            return {"field": name, "operator": "in", "value": [self._imported(name, v) for v in haystack]}
        if within is not None and isinstance(needle, str):
            return {"field": within, "operator": "contains", "value": needle}
        raise self._refused({"in": [needle, haystack]}, "is neither a fact in a list nor a text in a fact")

    def _between(self, low: object, middle: object, high: object) -> dict[str, object]:
        name = _variable(middle)
        if name is not None:
            value = [self._imported(name, low), self._imported(name, high)]
            return {"field": name, "operator": "between", "value": value}
        if isinstance(middle, Mapping) and list(middle) == ["-"] and isinstance(middle["-"], list):
            now, then = ([_variable(part) for part in middle["-"]] + [None, None])[:2]
            if (
                now == NOW
                and then is not None
                and isinstance(low, int | float)
                and isinstance(high, int | float)
            ):
                return {"field": then, "operator": "within", "value": self._span(low, high)}
        raise self._refused({"<=": [low, middle, high]}, "is no range of a fact")

    def _span(self, low: float, high: float) -> str:
        found = span(low, high)
        if found is None:
            raise self._refused([low, high], "is no span of whole minutes up to now or from now")
        return found

    def _start(self, substr: object, value: object) -> dict[str, object]:
        operands = substr if isinstance(substr, list) else []
        name = _variable(operands[0]) if operands else None
        if name is None or not isinstance(value, str) or operands[1:] != [0, len(value)]:
            raise self._refused({"substr": substr}, "does not compare the beginning of a fact")
        return {"field": name, "operator": "starts_with", "value": value}

    def _imported(self, name: str, value: object) -> object:
        fact = self._schema.facts.get(name)
        if fact is not None and fact.kind is Kind.TIME and isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).isoformat()
        return value

    def _refused(self, logic: object, why: str) -> RuleError:
        return RuleError("no_tree", f"{self._where}: {str(logic)[:200]} {why}.")


def _variable(logic: object) -> str | None:
    """The fact that `{"var": name}` reads; None for anything else, a default included."""
    if not isinstance(logic, Mapping) or list(logic) != ["var"]:
        return None
    name = logic["var"]
    if isinstance(name, list) and len(name) == 1:
        [name] = name
    return name if isinstance(name, str) and name else None


def _guarded_fact(logic: object) -> str | None:
    if not isinstance(logic, Mapping) or list(logic) != ["!=="]:
        return None
    operands = logic["!=="]
    return _variable(operands[0]) if isinstance(operands, list) and operands[1:] == [None] else None
