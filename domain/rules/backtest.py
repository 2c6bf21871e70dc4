"""What a draft would have done: both rule sets replayed over the facts of past turns."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict

from domain.rules.actions import Directive
from domain.rules.condition import Comparison, Condition, Group, leaves
from domain.rules.evaluate import Known, number, verdict
from domain.rules.facts import Facts, RuleError, Schema
from domain.rules.ruleset import RuleSet

HOURS = 168
"""Hours of a week, Monday 00:00 first."""
SAMPLES = 20
"""Changed turns that a report lists."""
Z95 = 1.96
"""Standard deviations on either side of a 95% interval of the normal distribution."""
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


class QueueLoad(Struct, frozen=True):
    """Forecast for one queue in a usual week: handovers, and how many would miss their promise.

    `busiest_load` is the busiest hour's handovers over those that people can answer in an hour.
    """

    queue: str
    a_week: float
    busiest_load: float
    late: float


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

    def __call__(self, facts: Facts) -> tuple[tuple[int, ...], Directive]:
        places = self._ruleset.index.certain(self._ruleset.schema.known(facts))
        directive = self._merged.get(places)
        if directive is None:
            directive = self._merged[places] = self._ruleset.merged(places)
        return places, directive

    def names(self, places: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._ruleset.rules[place].id for place in places)


def backtest(
    live: RuleSet,
    draft: RuleSet,
    turns: Iterable[Past],
    staffing: Mapping[str, float] | None = None,
    going_on: Callable[[int], bool] = lambda _: True,
) -> Report:
    """Replay turns under both rule sets. The decisions are those of the live engine, since it makes them.

    `staffing` says how many handovers an hour each queue's people can answer. `going_on` hears how many turns
    are done and may end the run by returning False; the report then covers what was done.
    """
    before, after = _Decided(live), _Decided(draft)
    tally = _Tally(before, after)
    cancelled = False
    for done, turn in enumerate(turns, 1):
        tally.add(turn, before(turn.facts), after(turn.facts))
        if done % EVERY == 0 and not going_on(done):
            cancelled = True
            break
    return tally.report(staffing or {}, cancelled=cancelled)


class _Tally:
    def __init__(self, before: _Decided, after: _Decided) -> None:
        self._before, self._after = before, after
        self.turns = self.changed = 0
        self._actions: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._rules: tuple[Counter[tuple[int, ...]], Counter[tuple[int, ...]]] = (Counter(), Counter())
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
            self._samples.append(Sample(turn.id, turn.at, _difference(old[1], new[1]), *names))

    def report(self, staffing: Mapping[str, float], *, cancelled: bool) -> Report:
        return Report(
            self.turns,
            self.changed,
            {label: (old, new) for label, (old, new) in sorted(self._actions.items())},
            self._by_rule(),
            tuple(self._hours),
            _paired_change(self._flips[1], self._flips[0], self.turns),
            tuple(forecast(self._handovers, staffing)),
            tuple(self._samples),
            cancelled,
        )

    def _labelled(self, directive: Directive) -> tuple[str, ...]:
        found = self._labels.get(directive)
        if found is None:
            found = self._labels[directive] = labels(directive)
        return found

    def _by_rule(self) -> dict[str, tuple[int, int]]:
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for which, decided in enumerate((self._before, self._after)):
            for places, times in self._rules[which].items():
                for name in decided.names(places):
                    counts[name][which] += times
        return {name: (old, new) for name, (old, new) in sorted(counts.items())}


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


def forecast(
    handovers: Sequence[tuple[datetime, str, int | None]], staffing: Mapping[str, float]
) -> Iterable[QueueLoad]:
    """Load by queue, as if every week were the average of those seen.

    People answer at a steady pace in the order of arrival (a fluid queue); what waits longer than its promise
    is late. Queues without staffing have load infinity and nothing late is said of them.
    """
    if not handovers:
        return
    times = [at for at, _, _ in handovers]
    weeks = max(1.0, (max(times) - min(times)).total_seconds() / (HOURS * 3_600))
    for queue in sorted({queue for _, queue, _ in handovers}):
        mine = [(at.weekday() * 24 + at.hour, minutes) for at, name, minutes in handovers if name == queue]
        arrivals = Counter(hour for hour, _ in mine)
        pace = staffing.get(queue, 0.0)
        busiest = max(arrivals.values()) / weeks
        late = _late(mine, arrivals, pace, weeks) if pace else 0.0
        yield QueueLoad(
            queue, round(len(mine) / weeks, 1), round(busiest / pace, 2) if pace else math.inf, round(late, 1)
        )


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


def _late(
    mine: Sequence[tuple[int, int | None]], arrivals: Mapping[int, int], pace: float, weeks: float
) -> float:
    promised: defaultdict[int, list[int]] = defaultdict(list)
    for hour, minutes in mine:
        if minutes is not None:
            promised[hour].append(minutes)
    waiting = late = 0.0
    for hour in range(2 * HOURS):  # the first week only fills the queue as it stands at a week's beginning
        wait = waiting / pace * 60
        if hour >= HOURS:
            late += sum(1 for minutes in promised[hour - HOURS] if wait > minutes) / weeks
        waiting = max(0.0, waiting + arrivals.get(hour % HOURS, 0) / weeks - pace)
    return late


def _paired_change(gained: int, lost: int, turns: int) -> Interval:
    """The change of a share between paired samples, with its 95% interval.

    Wald's interval for paired proportions (Fleiss, Statistical Methods for Rates and Proportions, 13.1).
    """
    if not turns:
        return Interval(0.0, 0.0, 0.0)
    change = (gained - lost) / turns
    spread = Z95 * math.sqrt(max(0.0, gained + lost - (gained - lost) ** 2 / turns)) / turns
    return Interval(round(change, 6), round(change - spread, 6), round(change + spread, 6))


def _difference(old: Directive, new: Directive) -> dict[str, tuple[object, object]]:
    before, after = asdict(old), asdict(new)
    return {slot: (before[slot], after[slot]) for slot in before if before[slot] != after[slot]}
