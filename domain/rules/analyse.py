"""Properties of a whole rule set, proved on boxes: what never fires, clashes, is shadowed; and gaps."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import combinations
from typing import Protocol

from msgspec import Struct

from domain.ids import RuleId
from domain.rules.actions import EXCLUSIVE, Action
from domain.rules.condition import Condition, Group
from domain.rules.facts import Facts, Schema
from domain.rules.jsonlogic import Program
from domain.rules.meaning import covered, empty, overlap, way_out, witness
from domain.rules.normal import Box, boxes
from domain.rules.rule import Rule
from domain.rules.ruleset import RuleSet

MAX_PAIRS = 600_000
"""Pairs of rules compared; larger sets are compared only within one priority."""


class Kind(StrEnum):
    """What was found."""

    NEVER = "never fires"
    ALWAYS = "always fires"
    SUBSUMED = "subsumed"
    SHADOWED = "shadowed"
    CONFLICT = "contradicting"
    OVERLAP = "overlapping"
    GAP = "gap"
    UNDECIDED = "not decided"


ERRORS = frozenset({Kind.NEVER, Kind.CONFLICT})
"""Findings that keep a rule set from being published."""


class Finding(Struct, frozen=True):
    """One finding: the rules in it, a sentence, facts that show it, and how many past turns it touches."""

    kind: Kind
    rules: tuple[RuleId, ...]
    message: str
    witness: Facts | None = None
    weight: int | None = None

    @property
    def is_error(self) -> bool:
        """Whether it keeps the set from being published."""
        return self.kind in ERRORS


class Prover(Protocol):
    """Answers what boxes leave undecided; see prove.py."""

    def example(self, holds: Sequence[Condition], fails: Sequence[Condition]) -> Facts | None:
        """Facts for which all of `holds` are certain and none of `fails` is; None when there are none.

        Raises `TimeoutError` when that was not decided.
        """


class _Boxed(Struct, frozen=True):
    rule: Rule
    boxes: tuple[Box, ...]


def analyse(
    ruleset: RuleSet, history: Sequence[Facts] = (), prover: Prover | None = None
) -> tuple[Finding, ...]:
    """Everything found, errors first. `history` gives each finding its weight in past turns.

    What boxes cannot decide, rules that are too large for them among it, is left to the prover, if any.
    """
    schema = ruleset.schema
    every = [(rule, _boxes(rule, schema)) for rule in ruleset.rules]
    boxed = [_Boxed(rule, found) for rule, found in every if found is not None]
    findings = [
        *_alone(boxed, schema),
        *_pairs(boxed, schema),
        *_shadowed(boxed, schema, prover),
        *_gap(boxed, ruleset, prover),
        *(finding for rule, found in every if found is None for finding in _large(rule, ruleset, prover)),
    ]
    weighed = [_weighed(finding, ruleset, history) for finding in findings]
    return tuple(sorted(weighed, key=lambda finding: (not finding.is_error, list(Kind).index(finding.kind))))


def _boxes(rule: Rule, schema: Schema) -> tuple[Box, ...] | None:
    if isinstance(rule.condition, Program):
        return None
    found = boxes(rule.condition, schema)
    return None if found is None else tuple(box for box in found if not empty(box, schema))


def _alone(boxed: Sequence[_Boxed], schema: Schema) -> Iterator[Finding]:
    for one in boxed:
        name = one.rule.id
        if not one.boxes:
            yield Finding(Kind.NEVER, (name,), f"{name} never fires: its conditions contradict one another.")
        elif not isinstance(one.rule.condition, Program):
            never = boxes(Group("NOT", (one.rule.condition,)), schema)
            if never is not None and all(empty(box, schema) for box in never):
                said = f"{name} always fires when its facts are known."
                yield Finding(Kind.ALWAYS, (name,), said, witness(one.boxes[0], schema))


def _pairs(boxed: Sequence[_Boxed], schema: Schema) -> Iterator[Finding]:
    everything = len(boxed) * (len(boxed) - 1) // 2 <= MAX_PAIRS
    slots = {one.rule.id: exclusive(one.rule.actions) for one in boxed}
    for one, other in combinations(boxed, 2):
        equal = one.rule.priority == other.rule.priority
        if not (everything or equal):
            continue
        common = next((both for both in _overlaps(one, other, schema)), None)
        if common is None:
            continue
        mine, theirs = slots[one.rule.id], slots[other.rule.id]
        clash = next((slot for slot in mine if slot in theirs and mine[slot] != theirs[slot]), None)
        names = (one.rule.id, other.rule.id)
        shown = witness(common, schema)
        if clash and equal:
            said = f"{names[0]} and {names[1]} have one priority, can fire together and differ in {clash}."
            yield Finding(Kind.CONFLICT, names, said, shown)
        elif clash:
            said = f"{names[0]} and {names[1]} can fire together; {names[0]} goes first and decides {clash}."
            yield Finding(Kind.OVERLAP, names, said, shown)
        elif set(other.rule.actions) <= set(one.rule.actions) and all(
            covered(box, one.boxes, schema) for box in other.boxes
        ):
            said = f"{names[1]} adds nothing: whenever it fires, {names[0]} fires and does the same."
            yield Finding(Kind.SUBSUMED, names, said, shown)


def _shadowed(boxed: Sequence[_Boxed], schema: Schema, prover: Prover | None) -> Iterator[Finding]:
    """Rules whose exclusive slot is always filled by rules that go before, alone or together."""
    before: dict[str, list[_Boxed]] = {}
    for one in boxed:
        for slot in exclusive(one.rule.actions):
            earlier = before.setdefault(slot, [])
            name = one.rule.id
            try:
                free = not earlier or not one.boxes or _is_free(one, earlier, schema, prover)
            except TimeoutError:
                said = f"Whether {name} ever decides its {slot} was not decided."
                yield Finding(Kind.UNDECIDED, (name,), said)
                free = True
            if not free:
                said = f"{name} never decides its {slot}: whenever it fires, rules before it have done so."
                yield Finding(Kind.SHADOWED, (name,), said, witness(one.boxes[0], schema))
            earlier.append(one)


def _is_free(one: _Boxed, earlier: Sequence[_Boxed], schema: Schema, prover: Prover | None) -> bool:
    """Whether a rule fires for some facts for which none of the earlier ones does."""
    covering = [box for other in earlier for box in other.boxes]
    try:
        return any(way_out(box, covering, schema) is not None for box in one.boxes)
    except (TimeoutError, RecursionError):
        return _example(prover, _trees([one.rule]), _trees([other.rule for other in earlier])) is not None


def _gap(boxed: Sequence[_Boxed], ruleset: RuleSet, prover: Prover | None) -> Iterator[Finding]:
    """One set of facts in which no rule fires, or that there is none."""
    if not ruleset.rules:
        return
    try:
        shown = _uncovered(boxed, ruleset, prover)
    except TimeoutError:
        yield Finding(Kind.UNDECIDED, (), "Whether some rule fires for all facts was not decided.")
        return
    if shown is not None:
        yield Finding(Kind.GAP, (), "There are facts for which no rule fires.", shown)


def _uncovered(boxed: Sequence[_Boxed], ruleset: RuleSet, prover: Prover | None) -> Facts | None:
    """Facts for which no rule fires. Raises `TimeoutError` when that was not decided."""
    if len(boxed) == len(ruleset.rules):
        with suppress(TimeoutError, RecursionError):
            free = way_out(Box({}), [box for one in boxed for box in one.boxes], ruleset.schema)
            return None if free is None else witness(free, ruleset.schema)
    return _example(prover, (), _trees(ruleset.rules))


def _large(rule: Rule, ruleset: RuleSet, prover: Prover | None) -> Iterator[Finding]:
    """What the prover says of a rule that has too many clauses for boxes."""
    try:
        shown = _example(prover, _trees([rule]), ())
        if shown is None:
            yield Finding(
                Kind.NEVER, (rule.id,), f"{rule.id} never fires: its conditions contradict one another."
            )
            return
        if _example(prover, [Group("NOT", tuple(_trees([rule])))], ()) is None:
            yield Finding(Kind.ALWAYS, (rule.id,), f"{rule.id} always fires when its facts are known.", shown)
        mine = exclusive(rule.actions)
        for other in ruleset.rules:
            theirs = exclusive(other.actions)
            clash = next((slot for slot in mine if slot in theirs and mine[slot] != theirs[slot]), None)
            if clash is None or other.priority != rule.priority:
                continue
            both = _example(prover, _trees([rule, other]), ())
            if both is not None:
                names = (rule.id, other.id)
                said = (
                    f"{names[0]} and {names[1]} have one priority, can fire together and differ in {clash}."
                )
                yield Finding(Kind.CONFLICT, names, said, both)
    except TimeoutError:
        said = f"{rule.id} is too large, or imported, and was not analysed to the end."
        yield Finding(Kind.UNDECIDED, (rule.id,), said)


def _example(prover: Prover | None, holds: Sequence[Condition], fails: Sequence[Condition]) -> Facts | None:
    if prover is None:
        raise TimeoutError
    return prover.example(holds, fails)


def _trees(rules: Sequence[Rule]) -> list[Condition]:
    """The conditions of rules. Raises `TimeoutError` when one is an imported expression."""
    found = [rule.condition for rule in rules if not isinstance(rule.condition, Program)]
    if len(found) < len(rules):
        raise TimeoutError
    return found


def exclusive(actions: Sequence[Action]) -> dict[str, str]:
    """The exclusive slots that a rule fills, with their values."""
    found: dict[str, str] = {}
    for slot, value in EXCLUSIVE.items():
        filled = next((text for action in actions if (text := value(action)) is not None), None)
        if filled is not None:
            found[slot] = filled
    return found


def _overlaps(one: _Boxed, other: _Boxed, schema: Schema) -> Iterator[Box]:
    for mine in one.boxes:
        for theirs in other.boxes:
            both = overlap(mine, theirs, schema)
            if both is not None:
                yield both


def _weighed(finding: Finding, ruleset: RuleSet, history: Sequence[Facts]) -> Finding:
    if not history:
        return finding
    places = {rule.id: place for place, rule in enumerate(ruleset.rules)}
    mine = {places[name] for name in finding.rules}
    weight = 0
    for facts in history:
        fired = set(ruleset.index.certain(ruleset.schema.known(facts)))
        weight += mine <= fired if mine else not fired
    return Finding(finding.kind, finding.rules, finding.message, finding.witness, weight)
