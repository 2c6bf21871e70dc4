"""Boxes compared: what they share, what lies outside them, and whether two conditions mean the same."""

from collections.abc import Iterator, Sequence

from domain.rules.condition import Condition
from domain.rules.evaluate import number
from domain.rules.facts import AGE, NOW, FactValue, Kind, Schema, moment
from domain.rules.jsonlogic import Program
from domain.rules.normal import Box, boxes, kind_of
from domain.rules.regions import Lists, Numbers, Region, Texts, anything, meet

SOME_TIME = 1_767_225_600.0
"""Seconds from 1970 to 2026: the time of an example that needs one."""
STEPS = 20_000
"""Steps of one search for a way out; above it the answer is: not decided."""


def witness(box: Box, schema: Schema) -> dict[str, FactValue] | None:
    """Facts inside a box, within the ranges of the schema; None when there are none."""
    found: dict[str, FactValue] = {}
    times: dict[str, float] = {}
    ages: dict[str, float] = {}
    for name, region in box.regions.items():
        fact = schema.facts.get(name)
        value = region.sample(fact)
        if value is None:
            return None
        if fact is None or fact.kind is Kind.TIME:
            (ages if fact is None else times)[name.removesuffix(AGE)] = number(value)
        else:
            found[name] = value
    for name, old in ages.items():
        now = times.setdefault(NOW, times.get(name, SOME_TIME) + old)
        times.setdefault(name, now - old)
    return found | {name: moment(time) for name, time in times.items()}


def empty(box: Box, schema: Schema) -> bool:
    """Whether certainly no facts lie inside; what only a pattern could tell is not certain."""
    return any(region.empty(schema.facts.get(name)) for name, region in box.regions.items())


def overlap(one: Box, other: Box, schema: Schema) -> Box | None:
    """What two boxes have in common."""
    if not one.missing.isdisjoint(other.regions) or not other.missing.isdisjoint(one.regions):
        return None
    regions: dict[str, Region] = dict(one.regions)
    for name, region in other.regions.items():
        both = meet(regions[name], region) if name in regions else region
        if both.empty(schema.facts.get(name)):
            return None
        regions[name] = both
    return Box(regions, one.missing | other.missing, one.known | other.known)


def way_out(inside: Box, others: Sequence[Box], schema: Schema) -> Box | None:
    """A part of `inside` that no other box covers; None when they cover all of it, or it is empty.

    Raises `TimeoutError` after `STEPS` steps.
    """
    steps = 0

    def search(at: Box, left: Sequence[Box]) -> Box | None:
        nonlocal steps
        steps += 1
        if steps > STEPS:
            raise TimeoutError
        touching = [box for box in left if overlap(at, box, schema) is not None]
        if not touching:
            return at
        nearest = min(touching, key=lambda box: len(box.regions) + len(box.missing))
        for part in _parts_outside(nearest, schema):
            smaller = overlap(at, part, schema)
            found = None if smaller is None else search(smaller, touching)
            if found is not None:
                return found
        return None

    return None if empty(inside, schema) else search(inside, others)


def _parts_outside(box: Box, schema: Schema) -> Iterator[Box]:
    """Boxes whose union is everything outside one box."""
    for name, region in box.regions.items():
        for part in _outside(region):
            yield Box({name: part})
        fact = schema.facts.get(name)
        if fact is not None and fact.nullable:
            yield Box({}, frozenset({name}))
    for name in box.missing:
        yield Box({name: anything(kind_of(name, schema))})


def _outside(region: Region) -> Iterator[Region]:
    """Regions whose union is everything outside."""
    if isinstance(region, Numbers):
        yield region.complement()
    elif isinstance(region, Texts):
        yield Texts(region.listed, others=not region.others)
        for pair in region.must:
            yield Texts(frozenset(), others=True, must_not=frozenset({pair}))
        for pair in region.must_not:
            yield Texts(frozenset(), others=True, must=frozenset({pair}))
    else:
        for item in region.has:
            yield Lists(frozenset(), frozenset({item}))
        for item in region.lacks:
            yield Lists(frozenset({item}))


def inside(box: Box, wide: Box, schema: Schema) -> bool:
    """Whether a box lies inside a wider one."""
    if not wide.missing <= box.missing or not set(wide.regions) <= set(box.regions):
        return False
    return all(_within(box.regions[name], region, name, schema) for name, region in wide.regions.items())


def _within(region: Region, wide: Region, name: str, schema: Schema) -> bool:
    return all(meet(region, part).empty(schema.facts.get(name)) for part in _outside(wide))


def covered(box: Box, wide: Sequence[Box], schema: Schema) -> bool:
    """Whether one of several boxes holds a box as a whole."""
    return any(inside(box, other, schema) for other in wide)


def same_meaning(one: Condition | Program, other: Condition | Program, schema: Schema) -> bool:
    """Whether two conditions are certain for the same facts; False also when that was not decided."""
    if isinstance(one, Program) or isinstance(other, Program):
        return False
    mine, theirs = boxes(one, schema), boxes(other, schema)
    if mine is None or theirs is None:
        return False
    try:
        return all(way_out(box, theirs, schema) is None for box in mine) and all(
            way_out(box, mine, schema) is None for box in theirs
        )
    except (TimeoutError, RecursionError):
        return False
