"""How often a rule would fire for each value of one threshold."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from domain.rules.backtest import Past
from domain.rules.condition import Comparison, Condition, Group, leaves
from domain.rules.evaluate import Known, number, verdict
from domain.rules.facts import RuleError, Schema


def sweep(
    condition: Condition, leaf: Comparison, values: Sequence[float], turns: Sequence[Past], schema: Schema
) -> tuple[int, ...]:
    """How many turns a condition would fire in for each value of one ordered comparison's threshold.

    One pass over the turns whatever the number of values. Raises `RuleError` for a comparison that has no
    threshold or is not in the condition once.
    """
    if leaf.operator not in {"<", "<=", ">", ">="} or sum(1 for one in leaves(condition) if one == leaf) != 1:
        raise RuleError("no_threshold", f"'{leaf.field} {leaf.operator}' is no single threshold of the rule.")
    always = 0
    turning: list[tuple[float, bool]] = []
    for turn in turns:
        known = schema.known(turn.facts)
        if leaf.field not in known:
            always += verdict(condition, known) is True
            continue
        holds, fails = (_with(condition, leaf, known, truth=truth) for truth in (True, False))
        if holds and fails:
            always += 1
        elif holds or fails:
            turning.append((number(known[leaf.field]), holds))
    return tuple(always + _turned(turning, leaf.operator, value) for value in values)


def _turned(turning: Sequence[tuple[float, bool]], operator: str, value: float) -> int:
    fires = 0
    for wanted in (True, False):
        actual = sorted(x for x, holds in turning if holds is wanted)
        below = bisect_left(actual, value) if operator in {"<", ">="} else bisect_right(actual, value)
        holding = below if operator in {"<", "<="} else len(actual) - below
        fires += holding if wanted else len(actual) - holding
    return fires


def _with(condition: Condition, leaf: Comparison, known: Known, *, truth: bool) -> bool:
    """Whether the condition is certain when one comparison is taken as true or false."""
    return verdict(_replaced(condition, leaf, truth=truth), known) is True


def _replaced(condition: Condition, leaf: Comparison, *, truth: bool) -> Condition:
    if isinstance(condition, Group):
        return Group(condition.operator, tuple(_replaced(m, leaf, truth=truth) for m in condition.rules))
    return Comparison(leaf.field, "exists", truth) if condition == leaf else condition
