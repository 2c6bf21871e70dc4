"""`casepilot bench turn`: a whole turn next to two references, in one interleaved run."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import uvloop

from entrypoints.embedded import Step
from ops.bench.client import Target
from ops.bench.history import long_vs_short
from ops.bench.load import ANSWERABLE, OFF_TOPIC, Questions, Round, closed, paced, stock
from ops.bench.variants import STOPS, cpu_seconds, targets
from ports.errors import Unavailable

WARM_UP = 2.0
ROUNDS, SECONDS = 7, 2.5
LEAD_IN = 0.5
"""Seconds of the same load before a round: what is measured is a server at work, not one woken up."""
HALF_ROUNDS = 3
LIMIT = 175.0
"""Seconds after which the whole run is given up."""
NEW = "turn_new_questions"
"""The turn when no question was ever asked before, so that no cache knows it."""


def run(step: Step) -> dict[str, Any]:
    """Measure. Raises `Refused` and `Unavailable`; an answer that is not right ends the run."""
    began = perf_counter()
    with targets(step) as found, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        bench = _Bench(found, step).within(LIMIT - (perf_counter() - began))
        try:
            figures = runner.run(_stoppable(bench))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    return {**figures, "seconds": round(perf_counter() - began, 1)}


async def _stoppable(work: Coroutine[None, None, dict[str, Any]]) -> dict[str, Any]:
    """Cancel the work when told to stop: an event loop may lose what a signal handler raises."""
    task = asyncio.ensure_future(work)
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


class _Bench:
    """The servers, what they are asked, and how far the run is."""

    def __init__(self, found: Mapping[str, Target], step: Step) -> None:
        self._targets = {**found, NEW: found["turn"]}
        self._step, self._done = step, 0
        self._total = len(self._targets) * (1 + ROUNDS) + HALF_ROUNDS + 1
        self._questions = {name: Questions(ANSWERABLE, OFF_TOPIC) for name in self._targets}
        self._streams = {name: asked.forever() for name, asked in self._questions.items()}
        self._streams[NEW] = self._questions[NEW].never_asked_before()
        self._rate = dict.fromkeys(self._targets, 200.0)

    async def within(self, seconds: float) -> dict[str, Any]:
        """Measure. Raises `Unavailable` when it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                return await self.measure()
        except TimeoutError as error:
            raise Unavailable(f"This machine is too busy: no result after {LIMIT:.0f} s.") from error

    async def measure(self) -> dict[str, Any]:
        """All figures but the duration of the run."""
        for name in self._targets:
            await self._round(name, WARM_UP)
        rounds: dict[str, list[Round]] = {name: [] for name in self._targets}
        for _ in range(ROUNDS):
            for name, measured in rounds.items():
                measured.append(await self._round(name, SECONDS))
        figures = {name: _figures(measured) for name, measured in rounds.items()}
        per_s = figures["turn"]["per_s"]
        return {
            **figures,
            "turn_vs_prd": round(_ratio(rounds["turn"], rounds["prd"]), 2),
            "turn_vs_floor": round(_ratio(rounds["turn"], rounds["floor"]), 3),
            "turn_half_load": await self._half_load(per_s / 2),
            "turn_200_vs_10": await self._history(),
            "distinct_questions": round(self._questions["turn"].distinct_share(), 3),
            "escalated": round(_share(rounds["turn"]), 3),
        }

    async def _round(self, name: str, seconds: float) -> Round:
        """One stretch of closed loops; its conversations are opened before it begins."""
        self._progress(f"Measuring {name.replace('_', ' ')}")
        target = self._targets[name]
        await stock(target, self._rate[name] * (LEAD_IN + seconds))
        await closed(target, self._streams[name], LEAD_IN)
        spent = cpu_seconds(target)
        measured = await closed(target, self._streams[name], seconds)
        self._rate[name] = measured.per_s
        return measured.costing(cpu_seconds(target) - spent)

    async def _half_load(self, rate: float) -> dict[str, float]:
        rounds = []
        for _ in range(HALF_ROUNDS):
            self._progress("Measuring half load")
            await stock(self._targets["turn"], rate * SECONDS)
            rounds.append(await paced(self._targets["turn"], self._streams["turn"], rate, SECONDS))
        return _percentiles(rounds)

    async def _history(self) -> float:
        self._progress("Measuring long conversations")
        return round(await long_vs_short(self._targets["turn"], Questions(ANSWERABLE).forever()), 2)

    def _progress(self, what: str) -> None:
        self._step(what, self._done, self._total)
        self._done += 1


def _figures(rounds: Sequence[Round]) -> dict[str, float]:
    """Medians over the rounds, so that one disturbed round does not count."""
    return {
        **_percentiles(rounds),
        "per_s": round(median(one.per_s for one in rounds), 1),
        "cpu_ms": round(median(one.cpu_ms for one in rounds), 2),
    }


def _ratio(rounds: Sequence[Round], baseline: Sequence[Round]) -> float:
    """Times the baseline's throughput: the median over neighbouring rounds, which share their noise."""
    return median(one.per_s / other.per_s for one, other in zip(rounds, baseline, strict=True))


def _percentiles(rounds: Sequence[Round]) -> dict[str, float]:
    return {
        f"p{percent}_ms": round(median(r.percentile_ms(percent) for r in rounds), 1) for percent in (50, 99)
    }


def _share(rounds: Sequence[Round]) -> float:
    """The share of messages that handed their conversation to people."""
    return sum(one.escalations for one in rounds) / sum(len(one.latencies) for one in rounds)
