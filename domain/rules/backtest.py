"""What a draft would have done: both rule sets replayed over the facts of past turns."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice

from msgspec import Struct
from msgspec.structs import asdict

from domain.rules.actions import Directive
from domain.rules.evaluate import Known
from domain.rules.facts import Facts
from domain.rules.forecast import HOURS, QueueLoad, forecast
from domain.rules.ruleset import RuleSet

SAMPLES = 20
"""Changed turns that a report lists."""
Z95 = 1.96
"""Standard deviations on either side of a 95% interval of the normal distribution."""
KEPT = 5_000
"""Different sets of fired rules that are kept merged, or counted apart: memory stays bounded."""
EVERY = 1_000
"""Turns between two reports of progress."""


class Past(Struct, frozen=True):
    """A turn that was: its conversation or message, its time, and the facts that were stored with it."""

    id: str
    at: datetime
    facts: Facts


class Sample(Struct, frozen=True):
    """A turn that the draft would decide differently; `slots` holds what differs, as (before, after)."""

    id: str
    at: datetime
    slots: Mapping[str, tuple[object, object]]
    before: tuple[str, ...]
    after: tuple[str, ...]


class Interval(Struct, frozen=True):
    """An estimate with its 95% confidence interval."""

    value: float
    low: float
    high: float


class Report(Struct, frozen=True):
    """The difference that a draft would have made.

    `by_action` counts turns before and after by what was asked for; `added_by_hour` holds escalations added
    (or taken away, negative) by hour of the week; `escalation_change` is the change of the escalated share.
    """

    turns: int
    changed: int
    by_action: Mapping[str, tuple[int, int]]
    by_rule: Mapping[str, tuple[int, int]]
    added_by_hour: tuple[int, ...]
    escalation_change: Interval
    queues: tuple[QueueLoad, ...]
    samples: tuple[Sample, ...]
    cancelled: bool = False


class _Decided:
    """Decides turns under one rule set; equal sets of fired rules are merged once."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self._merged: dict[tuple[int, ...], Directive] = {}

    def __call__(self, known: Known) -> tuple[tuple[int, ...], Directive]:
        places = self._ruleset.index.certain(known)
        directive = self._merged.get(places)
        if directive is None:
            if len(self._merged) >= KEPT:
                self._merged.clear()
            directive = self._merged[places] = self._ruleset.merged(places)
        return places, directive

    def names(self, places: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._ruleset.rules[place].id for place in places)


class Rehearsal:
    """A draft next to the live rules. The decisions are those of the live engine, since it makes them."""

    def __init__(self, live: RuleSet, draft: RuleSet) -> None:
        self._old, self._new = live.schema, draft.schema
        self._before, self._after = _Decided(live), _Decided(draft)
        self._tally = _Tally(self._before, self._after)

    def replay(self, turns: Iterable[Past]) -> int:
        """Decide turns under both; return how many were done so far."""
        for turn in turns:
            known = self._old.known(turn.facts)
            new = known if self._new is self._old else self._new.known(turn.facts)
            self._tally.add(turn, self._before(known), self._after(new))
        return self._tally.turns

    def report(self, staffing: Mapping[str, float] | None = None, *, cancelled: bool = False) -> Report:
        """The difference so far. `staffing`: handovers an hour that each queue's people can answer."""
        return self._tally.report(staffing or {}, cancelled=cancelled)


def backtest(
    live: RuleSet,
    draft: RuleSet,
    turns: Iterable[Past],
    staffing: Mapping[str, float] | None = None,
    going_on: Callable[[int], bool] = lambda _: True,
) -> Report:
    """Replay turns under both rule sets.

    `going_on` hears how many turns are done and may end the run by returning False; the report then covers
    what was done.
    """
    rehearsal, left = Rehearsal(live, draft), iter(turns)
    while batch := list(islice(left, EVERY)):
        done = rehearsal.replay(batch)
        if len(batch) == EVERY and not going_on(done):
            return rehearsal.report(staffing, cancelled=True)
    return rehearsal.report(staffing)


class _Tally:
    def __init__(self, before: _Decided, after: _Decided) -> None:
        self._before, self._after = before, after
        self.turns = self.changed = 0
        self._actions: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._rules: tuple[Counter[tuple[int, ...]], Counter[tuple[int, ...]]] = (Counter(), Counter())
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._hours = [0] * HOURS
        self._flips = [0, 0]
        self._handovers: list[tuple[datetime, str, int | None]] = []
        self._samples: list[Sample] = []
        self._labels: dict[Directive, tuple[str, ...]] = {}

    def add(
        self, turn: Past, old: tuple[tuple[int, ...], Directive], new: tuple[tuple[int, ...], Directive]
    ) -> None:
        self.turns += 1
        for which, (places, directive) in enumerate((old, new)):
            self._rules[which][places] += 1
            if len(self._rules[which]) >= KEPT:
                self._fold()
            for label in self._labelled(directive):
                self._actions[label][which] += 1
        if new[1].queue is not None:
            self._handovers.append((turn.at, new[1].queue, new[1].sla_minutes))
        if old[1] == new[1]:
            return
        self.changed += 1
        change = (new[1].queue is not None) - (old[1].queue is not None)
        if change:
            self._hours[turn.at.weekday() * 24 + turn.at.hour] += change
            self._flips[change > 0] += 1
        if len(self._samples) < SAMPLES:
            names = self._before.names(old[0]), self._after.names(new[0])
            self._samples.append(Sample(turn.id, turn.at, differing(old[1], new[1]), *names))

    def report(self, staffing: Mapping[str, float], *, cancelled: bool) -> Report:
        return Report(
            self.turns,
            self.changed,
            {label: (old, new) for label, (old, new) in sorted(self._actions.items())},
            self._by_rule(),
            tuple(self._hours),
            paired_change(self._flips[1], self._flips[0], self.turns),
            tuple(forecast(self._handovers, staffing)),
            tuple(self._samples),
            cancelled,
        )

    def _labelled(self, directive: Directive) -> tuple[str, ...]:
        found = self._labels.get(directive)
        if found is None:
            if len(self._labels) >= KEPT:
                self._labels.clear()
            found = self._labels[directive] = labels(directive)
        return found

    def _fold(self) -> None:
        """Add up the counts of sets of rules by rule."""
        for which, decided in enumerate((self._before, self._after)):
            for places, times in self._rules[which].items():
                for name in decided.names(places):
                    self._counts[name][which] += times
            self._rules[which].clear()

    def _by_rule(self) -> dict[str, tuple[int, int]]:
        self._fold()
        return {name: (old, new) for name, (old, new) in sorted(self._counts.items())}


def labels(directive: Directive) -> tuple[str, ...]:
    """What a directive asks for, one label each: 'escalate', 'escalate to QUEUE', 'tag NAME', ..."""
    found = []
    if directive.queue is not None:
        found += ["escalate", f"escalate to {directive.queue}"]
    if directive.route is not None:
        found.append(f"route to {directive.route}")
    if directive.priority != "normal":
        found.append(f"priority {directive.priority}")
    if directive.sla_minutes is not None:
        found.append(f"sla {directive.sla_minutes} minutes")
    for verb, values in (
        ("notify", directive.notify),
        ("tag", directive.tags),
        ("webhook", directive.webhooks),
    ):
        found += [f"{verb} {value}" for value in values]
    found += [f"ask {fact}" for fact in directive.ask]
    for verb, value in (("reply with", directive.reply), ("approval by", directive.approval)):
        found += [f"{verb} {value[:40]}"] if value else []
    if directive.model is not None:
        found.append(f"handle with {directive.model}")
    return tuple([*found, "close"] if directive.close else found)


def paired_change(gained: int, lost: int, turns: int) -> Interval:
    """The change of a share between paired samples, with its 95% interval.

    Wald's interval after half an observation is added to each of the four cells (Agresti and Min, Simple
    improved confidence intervals for comparing matched proportions, Statistics in Medicine 24, 2005), so
    that few turns give a wide one.
    """
    if not turns:
        return Interval(0.0, -1.0, 1.0)
    size, b, c = turns + 2, gained + 0.5, lost + 0.5
    middle = (b - c) / size
    spread = Z95 * math.sqrt(max(0.0, b + c - (b - c) ** 2 / size)) / size
    low, high = max(-1.0, middle - spread), min(1.0, middle + spread)
    return Interval(round((gained - lost) / turns, 6), round(low, 6), round(high, 6))


def differing(old: Directive, new: Directive) -> dict[str, tuple[object, object]]:
    """The slots in which two directives differ, as (old, new)."""
    before, after = asdict(old), asdict(new)
    return {slot: (before[slot], after[slot]) for slot in before if before[slot] != after[slot]}
