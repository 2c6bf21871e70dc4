"""Conditions as JSON-logic, run by datalogic.

Missing facts are unknown and a rule fires only when certain (strong Kleene logic): NOT is pushed to the
leaves and every leaf is guarded by `!== null`, so plain two-valued JSON-logic gives the same answer.
"""

from collections.abc import Mapping, Sequence

import datalogic_py

from domain.rules.condition import Comparison, Condition
from domain.rules.facts import FACTS, Facts

OPS_BUDGET = 4_000_000
"""Operations one evaluation may charge; far above any rule set within `ruleset.MAX_VALUES`."""
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

JsonLogic = Mapping[str, object]

_engine = datalogic_py.Engine(config={"ops_budget": OPS_BUDGET})


def to_jsonlogic(condition: Condition, *, negated: bool = False) -> JsonLogic:
    """Derive JSON-logic from a checked tree."""
    if isinstance(condition, Comparison):
        return _leaf(condition, negated=negated)
    # NOT is "none of": the negated OR of its members, and De Morgan swaps the connective under a negation.
    disjunction = condition.operator != "AND"
    negated ^= condition.operator == "NOT"
    members = [to_jsonlogic(member, negated=negated) for member in condition.rules]
    return {"or" if disjunction != negated else "and": members}


class CompiledRules:
    """Many conditions compiled as one expression; evaluating visits them all in one native call."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._rule = (
            _engine.compile([to_jsonlogic(condition) for condition in conditions]) if conditions else None
        )

    def fired(self, facts: Facts) -> list[bool]:
        """Which conditions are certain under `facts`; only declared facts reach the engine."""
        if self._rule is None:
            return []
        known = {name: list(v) if isinstance(v, tuple) else v for name, v in facts.items() if name in FACTS}
        return [bool(result) for result in self._rule.evaluate(known)]


def _leaf(leaf: Comparison, *, negated: bool) -> JsonLogic:
    fact = {"var": leaf.field}
    if leaf.operator == "exists":
        return {"!==" if leaf.value is not negated else "===": [fact, None]}
    operator = leaf.operator
    if negated and operator in OPPOSITE:
        operator, negated = OPPOSITE[operator], False
    test = _test(operator, fact, leaf)
    return {"and": [{"!==": [fact, None]}, {"!": [test]} if negated else test]}


def _test(operator: str, fact: Mapping[str, str], leaf: Comparison) -> JsonLogic:
    value = list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
    if operator in {"==", "!="}:
        return {f"{operator}=": [fact, value]}
    if operator == "in":
        return {"in": [fact, value]}
    if operator == "not_in":
        return {"!": [{"in": [fact, value]}]}
    if operator == "contains":
        return {"in": [value, fact]}
    if operator == "starts_with":
        return {"===": [{"substr": [fact, 0, len(str(value))]}, value]}
    return {operator: [fact, value]}
