"""Properties of a whole rule set, proved on boxes: what never fires, clashes, is shadowed; and gaps."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import combinations

from msgspec import Struct

from domain.ids import RuleId
from domain.rules.actions import EXCLUSIVE, Action
from domain.rules.condition import Group
from domain.rules.facts import Facts, Schema
from domain.rules.jsonlogic import Program
from domain.rules.meaning import covered, overlap, way_out, witness
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


class _Boxed(Struct, frozen=True):
    rule: Rule
    boxes: tuple[Box, ...]


def analyse(ruleset: RuleSet, history: Sequence[Facts] = ()) -> tuple[Finding, ...]:
    """Everything found, errors first. `history` gives each finding its weight in past turns."""
    schema = ruleset.schema
    every = [(rule, _boxes(rule, schema)) for rule in ruleset.rules]
    boxed = [_Boxed(rule, found) for rule, found in every if found is not None]
    findings = [
        *_alone(boxed, schema),
        *_pairs(boxed, schema),
        *_shadowed(boxed, schema),
        *_gap(boxed, schema),
        *(
            Finding(Kind.UNDECIDED, (rule.id,), f"{rule.id} is too large, or imported, and was not analysed.")
            for rule, found in every
            if found is None
        ),
    ]
    weighed = [_weighed(finding, ruleset, history) for finding in findings]
    return tuple(sorted(weighed, key=lambda finding: (not finding.is_error, list(Kind).index(finding.kind))))


def _boxes(rule: Rule, schema: Schema) -> tuple[Box, ...] | None:
    if isinstance(rule.condition, Program):
        return None
    found = boxes(rule.condition, schema)
    return None if found is None else tuple(box for box in found if witness(box, schema) is not None)


def _alone(boxed: Sequence[_Boxed], schema: Schema) -> Iterator[Finding]:
    for one in boxed:
        name = one.rule.id
        if not one.boxes:
            yield Finding(Kind.NEVER, (name,), f"{name} never fires: its conditions contradict one another.")
        elif not isinstance(one.rule.condition, Program):
            never = boxes(Group("NOT", (one.rule.condition,)), schema)
            if never is not None and all(witness(box, schema) is None for box in never):
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


def _shadowed(boxed: Sequence[_Boxed], schema: Schema) -> Iterator[Finding]:
    """Rules whose exclusive slot is always filled by rules that go before, alone or together."""
    before: dict[str, list[Box]] = {}
    for one in boxed:
        for slot in exclusive(one.rule.actions):
            earlier = before.setdefault(slot, [])
            name = one.rule.id
            try:
                free = not earlier or any(way_out(box, earlier, schema) is not None for box in one.boxes)
            except (TimeoutError, RecursionError):
                yield Finding(
                    Kind.UNDECIDED, (name,), f"Whether {name} ever decides its {slot} was not decided."
                )
                free = True
            if not free and one.boxes:
                said = f"{name} never decides its {slot}: whenever it fires, rules before it have done so."
                yield Finding(Kind.SHADOWED, (name,), said, witness(one.boxes[0], schema))
            earlier += one.boxes


def _gap(boxed: Sequence[_Boxed], schema: Schema) -> Iterator[Finding]:
    """One set of facts in which no rule fires, or that there is none."""
    every = [box for one in boxed for box in one.boxes]
    if not every:
        return
    try:
        free = way_out(Box({}), every, schema)
    except (TimeoutError, RecursionError):
        yield Finding(Kind.UNDECIDED, (), "Whether some rule fires for all facts was not decided.")
        return
    if free is not None:
        yield Finding(Kind.GAP, (), "There are facts for which no rule fires.", witness(free, schema))


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
