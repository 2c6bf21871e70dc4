"""The loads: closed loops, and an open loop at a pace."""

import asyncio
import random
import tomllib
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from msgspec import Struct
from msgspec.structs import replace

from ops.bench.client import MESSAGES, Customer, Target, customers
from ports.errors import Unavailable

CLIENTS = 16
GRACE = 30.0
"""Seconds that a load may take beyond its plan before the benchmark gives up."""
SEED = 2_026
QUESTIONS = Path(__file__).parents[2] / "tests/data/questions.toml"
ANSWERABLE, OFF_TOPIC = "answerable", "off_topic"
"""The kinds of questions."""


class Round(Struct, frozen=True):
    """What one stretch of load measured, in seconds. `latencies` are sorted; `cpu` is the server's."""

    latencies: Sequence[float]
    seconds: float
    escalations: int = 0
    cpu: float = 0.0

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The server's processor time an answer, in milliseconds."""
        return self.cpu * 1_000 / len(self.latencies)

    def costing(self, cpu: float) -> "Round":
        """The same, with the server's processor time."""
        return replace(self, cpu=cpu)

    def percentile_ms(self, percent: float) -> float:
        """A latency in milliseconds, by nearest rank."""
        rank = min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))
        return self.latencies[rank] * 1_000


class Questions:
    """Real-looking questions in seeded random order, each once a pass; counts what was asked."""

    def __init__(self, *kinds: str) -> None:
        entries = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["question"]
        self._texts: list[str] = [entry["text"] for entry in entries if entry["kind"] in kinds]
        self._order = random.Random(SEED)  # noqa: S311  # an order, not a secret
        self._seen: set[str] = set()
        self._asked = 0

    def forever(self) -> Iterator[str]:
        """Questions without end."""
        while True:
            for text in self._order.sample(self._texts, len(self._texts)):
                self._seen.add(text)
                self._asked += 1
                yield text

    def never_asked_before(self) -> Iterator[str]:
        """The same, each made unlike all others, so that no cache knows it."""
        for number, text in enumerate(self.forever(), 1):
            yield f"{text} Our reference is {number}."

    def distinct_share(self) -> float:
        """Distinct questions among all that were asked, 0..1."""
        return len(self._seen) / max(1, self._asked)


@asynccontextmanager
async def crowd(target: Target, count: int, plan: float) -> AsyncIterator[list[Customer]]:
    """Connected customers for `plan` seconds of load. Raises `Unavailable` when it takes far longer."""
    people = await customers(target, count)
    try:
        async with asyncio.timeout(plan + GRACE):
            yield people
    except TimeoutError as error:
        raise Unavailable(f"{target.name} did not answer within {plan + GRACE:.0f} s.") from error
    finally:
        for person in people:
            person.connection.close()


async def stock(target: Target, messages: float) -> None:
    """Open conversations for so many messages beforehand, so that opening is no part of what is measured."""
    wanted = CLIENTS + int(messages / MESSAGES * 1.5)
    async with crowd(target, CLIENTS, GRACE) as people:

        async def fill(person: Customer) -> None:
            while len(target.fresh) < wanted:
                target.fresh.append(await person.open())

        await together(fill(person) for person in people)


async def closed(target: Target, questions: Iterator[str], seconds: float) -> Round:
    """Every client asks again as soon as it is answered."""
    latencies: list[float] = []
    async with crowd(target, CLIENTS, seconds) as people:
        began = perf_counter()

        async def loop(person: Customer) -> None:
            while perf_counter() - began < seconds:
                latencies.append(await person.say(next(questions)))

        await together(loop(person) for person in people)
        took = perf_counter() - began
        return Round(sorted(latencies), took, sum(person.escalations for person in people))


async def paced(target: Target, questions: Iterator[str], rate: float, seconds: float) -> Round:
    """Questions arrive at `rate` a second whatever the server does; one that waits for a client is late."""
    latencies: list[float] = []
    due: asyncio.Queue[float] = asyncio.Queue()
    total = int(rate * seconds)
    async with crowd(target, CLIENTS, seconds) as people:
        began = perf_counter()

        async def serve(person: Customer) -> None:
            while True:
                arrived = await due.get()
                await person.say(next(questions))
                latencies.append(perf_counter() - arrived)
                due.task_done()

        async def arrive() -> None:
            for number in range(total):
                at = began + number / rate
                await asyncio.sleep(max(0.0, at - perf_counter()))
                due.put_nowait(at)
            await due.join()

        await together((serve(person) for person in people), until=arrive())
        return Round(sorted(latencies), perf_counter() - began)


async def together(
    work: Iterable[Coroutine[None, None, None]], until: Coroutine[None, None, None] | None = None
) -> None:
    """Run all of it; the first failure ends the rest. With `until`, that ending ends the rest too."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
            if until is not None:
                await until
                for task in tasks:
                    task.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
