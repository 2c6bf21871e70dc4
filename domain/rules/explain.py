"""Why a rule fired or did not, comparison by comparison, and the smallest change that would turn it."""

import math
from collections.abc import Iterator

from msgspec import Struct

from domain.rules.condition import Comparison, Condition, Group, Value, leaves
from domain.rules.english import say
from domain.rules.evaluate import Known, holds, verdict
from domain.rules.facts import AGE, Fact, Facts, Kind, Schema
from domain.rules.normal import Box, boxes
from domain.rules.regions import Numbers

WITHHELD = "(withheld)"
SEARCHED_CLAUSES = 4_096
"""Clauses among which the smallest change is looked for."""


class Checked(Struct, frozen=True):
    """One comparison and how it came out. `actual` is withheld for facts that hold personal data."""

    field: str
    operator: str
    value: Value
    actual: object
    holds: bool | None


class Change(Struct, frozen=True):
    """A fact, the value it has (None: unknown) and one for which the rule would have turned."""

    field: str
    actual: object
    instead: object


class Reason(Struct, frozen=True):
    """What one rule made of a turn. `decided_by` are the comparisons that settle the verdict."""

    verdict: bool | None
    sentence: str
    checks: tuple[Checked, ...]
    decided_by: tuple[Checked, ...]
    missing: tuple[str, ...]


def trace(condition: Condition, facts: Facts, known: Known, schema: Schema) -> tuple[Checked, ...]:
    """Every comparison of a condition with its outcome."""
    return tuple(_checked(leaf, facts, known, schema) for leaf in leaves(condition))


def missing(condition: Condition, known: Known) -> tuple[str, ...]:
    """The facts that a condition reads and that are not known."""
    read = (leaf.field for leaf in leaves(condition) if leaf.operator != "exists")
    return tuple(dict.fromkeys(name for name in read if name not in known))


def reason(condition: Condition, facts: Facts, schema: Schema) -> Reason:
    """The whole story of one condition in one turn."""
    known = schema.known(facts)
    deciding = [_checked(leaf, facts, known, schema) for leaf in _deciding(condition, known)]
    return Reason(
        verdict(condition, known),
        say(condition, schema),
        trace(condition, facts, known, schema),
        tuple(deciding),
        missing(condition, known),
    )


def smallest_change(condition: Condition, facts: Facts, schema: Schema) -> tuple[Change, ...] | None:
    """The fewest facts, with values, that would have fired the rule, or stopped it when it did fire.

    None when nothing would, or when the condition is too large to search.
    """
    known = schema.known(facts)
    wanted = condition if verdict(condition, known) is not True else Group("NOT", (condition,))
    clauses = boxes(wanted, schema, SEARCHED_CLAUSES)
    if clauses is None:
        return None
    plans = (_plan(box, facts, known, schema) for box in clauses)
    return min((plan for plan in plans if plan is not None), key=len, default=None)


def _deciding(condition: Condition, known: Known) -> Iterator[Comparison]:
    """The comparisons that settle the verdict: all of a conjunction that holds, those that fail otherwise."""
    settled = verdict(condition, known)
    if isinstance(condition, Comparison):
        yield condition
        return
    for member in condition.rules:
        wanted = (not settled if settled is not None else None) if condition.operator == "NOT" else settled
        if verdict(member, known) is wanted:
            yield from _deciding(member, known)


def _plan(box: Box, facts: Facts, known: Known, schema: Schema) -> tuple[Change, ...] | None:
    changes: dict[str, Change] = {}
    for name, region in box.regions.items():
        value = known.get(name)
        if value is not None and region.holds(value):  # type: ignore[arg-type]  # a region is of its fact's kind
            continue
        field = name.removesuffix(AGE)
        fact = schema.facts[field]
        instead: object = region.sample(fact)
        if isinstance(region, Numbers):
            instead = _moment(region, known) if name != field else _closest(region, value, fact)
        if instead is None or (field == "now"):
            return None
        changes[field] = Change(field, _shown(field, facts, schema), instead)
    for field in box.missing & known.keys():
        changes[field] = Change(field, _shown(field, facts, schema), None)
    return tuple(changes.values())


def _closest(region: Numbers, value: object, fact: Fact) -> object:
    """The number of a region that is nearest to the one at hand, in hundredths where it can be."""
    if not isinstance(value, int | float) or fact.kind is Kind.TIME:
        return region.sample(fact)
    low = -math.inf if fact.low is None else fact.low
    high = math.inf if fact.high is None else fact.high
    edges = [edge for interval in region.intervals for edge, _ in interval if math.isfinite(edge)]
    for step in (1.0,) if fact.whole else (0.01, 1e-6):
        tries = [round(edge + sign * step, 6) for edge in edges for sign in (0, 1, -1)]
        good = [number for number in tries if low <= number <= high and region.holds(number)]
        if good:
            return min(good, key=lambda number: abs(number - value))
    return region.sample(fact)


def _moment(region: Numbers, known: Known) -> str | None:
    ages = region.sample()
    return None if ages is None or "now" not in known else f"{ages / 3_600:.1f} hours ago"


def _checked(leaf: Comparison, facts: Facts, known: Known, schema: Schema) -> Checked:
    actual = _shown(leaf.field, facts, schema)
    return Checked(leaf.field, leaf.operator, leaf.value, actual, holds(leaf, known))


def _shown(field: str, facts: Facts, schema: Schema) -> object:
    return WITHHELD if schema.facts[field].personal else facts.get(field)
