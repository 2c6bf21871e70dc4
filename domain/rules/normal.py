"""Disjunctive normal form: a condition as clauses, each a box of regions."""

from msgspec import Struct

from domain.rules.condition import Comparison, Condition
from domain.rules.facts import AGE, Kind, Schema, age
from domain.rules.regions import Region, anything, meet, region

MAX_CLAUSES = 16
"""Clauses a rule; above it the rule is evaluated directly instead of through the index."""


class Literal(Struct, frozen=True):
    """A comparison that must hold, or with `positive=False` must be known to fail."""

    comparison: Comparison
    positive: bool


class Box(Struct, frozen=True):
    """One clause: a region for each fact that it tests; facts that must be missing, and that must be known.

    The condition is certain when the facts lie in one of its boxes.
    """

    regions: dict[str, Region]
    missing: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


def boxes(condition: Condition, schema: Schema, limit: int = MAX_CLAUSES) -> tuple[Box, ...] | None:
    """The clauses of a condition, without those that contradict themselves; None when there are too many."""
    clauses = _clauses(condition, positive=True, limit=limit)
    if clauses is None:
        return None
    found = (_box(clause, schema) for clause in clauses)
    return tuple(box for box in found if box is not None)


def kind_of(name: str, schema: Schema) -> Kind:
    """The kind of a fact as the engine knows it: ages are numbers."""
    fact = schema.facts.get(name)
    return fact.kind if fact else Kind.NUMBER


Clause = tuple[Literal, ...]


def _clauses(condition: Condition, *, positive: bool, limit: int) -> list[Clause] | None:
    if isinstance(condition, Comparison):
        return [(Literal(condition, positive),)]
    inner = positive != (condition.operator == "NOT")
    # NOT is "none of", the negated OR; under a negation AND and OR change places (De Morgan).
    conjunction = (condition.operator == "AND") == inner if condition.operator != "NOT" else not inner
    found: list[Clause] = [()] if conjunction else []
    for member in condition.rules:
        clauses = _clauses(member, positive=inner, limit=limit)
        if clauses is None:
            return None
        found = [(*a, *b) for a in found for b in clauses] if conjunction else [*found, *clauses]
        if len(found) > limit:
            return None
    return found


def _box(clause: Clause, schema: Schema) -> Box | None:
    regions: dict[str, Region] = {}
    missing: set[str] = set()
    known: set[str] = set()
    for literal in clause:
        leaf = literal.comparison
        if leaf.operator == "exists":
            (known if leaf.value is literal.positive else missing).add(leaf.field)
            continue
        name = age(leaf.field) if leaf.operator == "within" else leaf.field
        kind = schema.facts[leaf.field].kind
        allowed = region(leaf, kind, positive=literal.positive)
        regions[name] = meet(regions[name], allowed) if name in regions else allowed
    for name in known - set(regions):
        regions[name] = anything(kind_of(name, schema))
    tested = set(regions) | {name.removesuffix(AGE) for name in regions}
    if missing & tested or any(allowed.empty() for allowed in regions.values()):
        return None
    return Box(regions, frozenset(missing), frozenset(known))
