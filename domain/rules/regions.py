"""Sets of values of one fact, closed under intersection: what a comparison, or several, allow.

The index is built from them and the analysis compares them. A clause, one term of a condition's disjunctive
normal form, is a box: one region a fact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from domain.rules.condition import Comparison
from domain.rules.evaluate import number, predicate
from domain.rules.facts import Fact, Kind
from domain.rules.words import duration

Cut = tuple[float, int]
"""A place between numbers: just before `x` is (x, 0), just after it (x, 1)."""
Text = str | bool
"""A value of a text or a boolean fact."""
LOWEST: Cut = (-math.inf, 0)
HIGHEST: Cut = (math.inf, 1)


class Numbers(Struct, frozen=True):
    """Numbers as disjoint ascending intervals between cuts. `within` ages are numbers too."""

    intervals: tuple[tuple[Cut, Cut], ...]

    def meet(self, other: Numbers) -> Numbers:
        """The numbers in both."""
        found = [
            (max(a, c), min(b, d))
            for a, b in self.intervals
            for c, d in other.intervals
            if max(a, c) < min(b, d)
        ]
        return Numbers(tuple(sorted(found)))

    def complement(self) -> Numbers:
        """All other numbers."""
        edges = [LOWEST, *(cut for interval in self.intervals for cut in interval), HIGHEST]
        return Numbers(tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b))

    def holds(self, value: float) -> bool:
        """Whether a number is inside."""
        return any(a <= (value, 0) and (value, 1) <= b for a, b in self.intervals)

    def empty(self, fact: Fact | None = None) -> bool:
        """Whether no number that the fact can have is inside."""
        return self.sample(fact) is None

    def sample(self, fact: Fact | None = None) -> float | None:
        """A number inside that the fact can have, near the edges where behaviour changes; None if empty."""
        inside = self.meet(bounds(fact)) if fact else self
        for a, b in inside.intervals:
            value = _between(a, b, whole=bool(fact and fact.whole))
            if value is not None:
                return value
        return None


class Texts(Struct, frozen=True):
    """Texts (or booleans): those listed, or with `others` all but those; and what each must or must not be.

    `must` and `must_not` hold (operator, value) pairs of 'contains', 'starts_with' and 'matches'.
    """

    listed: frozenset[Text]
    others: bool = False
    must: frozenset[tuple[str, str]] = frozenset()
    must_not: frozenset[tuple[str, str]] = frozenset()

    def meet(self, other: Texts) -> Texts:
        """The texts in both."""
        match (self.others, other.others):
            case (True, True):
                listed = self.listed | other.listed
            case (False, False):
                listed = self.listed & other.listed
            case (True, False):
                listed = other.listed - self.listed
            case _:
                listed = self.listed - other.listed
        must, must_not = self.must | other.must, self.must_not | other.must_not
        return Texts(listed, self.others and other.others, must, must_not)

    def holds(self, value: Text) -> bool:
        """Whether a text is inside."""
        text = str(value)
        return (
            (value in self.listed) is not self.others
            and all(predicate(*pair)(text) for pair in self.must)
            and not any(predicate(*pair)(text) for pair in self.must_not)
        )

    def empty(self, fact: Fact | None = None) -> bool:
        """Whether certainly no text is inside; predicates over open texts may hide that none is."""
        if not self.others:
            return not any(self.holds(value) for value in self.listed if _possible(value, fact))
        if fact is not None and fact.kind is Kind.BOOLEAN:
            return self.sample(fact) is None
        if fact is not None and fact.values:
            return not any(self.holds(value) for value in fact.values)
        return bool(self.must & self.must_not)

    def sample(self, fact: Fact | None = None) -> Text | None:
        """A text inside, if one is found."""
        known: Iterable[Text] = fact.values if fact else ()
        if fact is not None and fact.kind is Kind.BOOLEAN:
            known = (True, False)
        starts = sorted(value for name, value in self.must if name == "starts_with")
        rest = " ".join(sorted(value for name, value in self.must if name == "contains"))
        longest = max(starts, key=len, default="")
        made = [f"{longest}{rest}", f"{longest} {rest}".strip(), "something else", f"{longest}{rest}..."]
        candidates = [*sorted(self.listed, key=str), *known] if not self.others else [*known, *made]
        return next((v for v in candidates if self.holds(v) and _possible(v, fact)), None)


class Lists(Struct, frozen=True):
    """Lists of texts that hold all of `has` and none of `lacks`."""

    has: frozenset[str]
    lacks: frozenset[str] = frozenset()

    def meet(self, other: Lists) -> Lists:
        """The lists in both."""
        return Lists(self.has | other.has, self.lacks | other.lacks)

    def holds(self, value: tuple[str, ...]) -> bool:
        """Whether a list is inside."""
        return self.has <= set(value) and self.lacks.isdisjoint(value)

    def empty(self, _: Fact | None = None) -> bool:
        """Whether no list is inside."""
        return bool(self.has & self.lacks)

    def sample(self, fact: Fact | None = None) -> tuple[str, ...] | None:
        """A list inside."""
        return None if self.empty(fact) else tuple(sorted(self.has))


Region = Numbers | Texts | Lists


def anything(kind: Kind) -> Region:
    """The region of all values of a kind."""
    if kind in {Kind.NUMBER, Kind.TIME}:
        return Numbers(((LOWEST, HIGHEST),))
    return Lists(frozenset()) if kind is Kind.LIST else Texts(frozenset(), others=True)


def bounds(fact: Fact) -> Numbers:
    """The numbers that a fact can have."""
    low: Cut = LOWEST if fact.low is None else (fact.low, 0)
    return Numbers(((low, HIGHEST if fact.high is None else (fact.high, 1)),))


def region(leaf: Comparison, kind: Kind, *, positive: bool) -> Region:
    """The values for which a comparison on a fact of a kind holds, or with `positive=False` fails."""
    if kind in {Kind.NUMBER, Kind.TIME}:
        numbers = Numbers(_intervals(leaf))
        return numbers if positive else numbers.complement()
    if kind is Kind.LIST:
        item = frozenset({str(leaf.value)})
        return Lists(item) if positive else Lists(frozenset(), item)
    if leaf.operator in {"contains", "starts_with", "matches"}:
        pair = frozenset({(leaf.operator, str(leaf.value))})
        return Texts(frozenset(), True, pair) if positive else Texts(frozenset(), True, frozenset(), pair)  # noqa: FBT003  # `others` reads in its place
    values: tuple[object, ...] = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    listed = frozenset(value for value in values if isinstance(value, str | bool))
    return Texts(listed, others=(leaf.operator in {"!=", "not_in"}) is positive)


def meet(one: Region, other: Region) -> Region:
    """The values in both regions of one fact."""
    match (one, other):
        case (Numbers(), Numbers()):
            return one.meet(other)
        case (Texts(), Texts()):
            return one.meet(other)
        case (Lists(), Lists()):
            return one.meet(other)
        case _:
            raise TypeError(f"regions of different kinds: {one!r}, {other!r}")


def _intervals(leaf: Comparison) -> tuple[tuple[Cut, Cut], ...]:
    if leaf.operator == "within":
        low, high = duration(str(leaf.value))
        return (((low, 0), (high, 1)),)
    if leaf.operator in {"in", "not_in"} and isinstance(leaf.value, tuple):
        points = Numbers(tuple(((x, 0), (x, 1)) for x in sorted({number(v) for v in leaf.value})))
        return points.intervals if leaf.operator == "in" else points.complement().intervals
    if leaf.operator == "between" and isinstance(leaf.value, tuple):
        return (((number(leaf.value[0]), 0), (number(leaf.value[1]), 1)),)
    value = number(leaf.value)
    before, after = (value, 0), (value, 1)
    simple: Mapping[str, tuple[tuple[Cut, Cut], ...]] = {
        "==": ((before, after),),
        "!=": ((LOWEST, before), (after, HIGHEST)),
        "<": ((LOWEST, before),),
        "<=": ((LOWEST, after),),
        ">": ((after, HIGHEST),),
        ">=": ((before, HIGHEST),),
    }
    return simple[leaf.operator]


def _possible(value: Text, fact: Fact | None) -> bool:
    return fact is None or not fact.values or value in fact.values


def _between(  # noqa: PLR0911  # each kind of end has its answer
    start: Cut, end: Cut, *, whole: bool
) -> float | None:
    """A number between two cuts, as simple as can be."""
    (low, after_low), (high, after_high) = start, end
    if whole:
        first = low if math.isinf(low) else math.floor(low) + 1 if after_low or low % 1 else low
        last = high if math.isinf(high) else math.ceil(high) - 1 if not after_high or high % 1 else high
        if math.isinf(first) and math.isinf(last):
            return 0.0
        value = last if math.isinf(first) else first
        return value if first <= value <= last else None
    if not after_low and not math.isinf(low):
        return low
    if after_high and not math.isinf(high):
        return high
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low):
        return high - 1
    if math.isinf(high):
        return low + 1
    middle = low + (high - low) / 2
    return middle if low < middle < high else None
