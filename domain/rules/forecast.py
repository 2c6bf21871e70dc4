"""What a usual week of handovers means for the people who answer them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

HOURS = 168
"""Hours of a week, Monday 00:00 first."""


class QueueLoad(Struct, frozen=True):
    """Forecast for one queue in a usual week: handovers, and how many would miss their promise.

    `busiest_load` is the busiest hour's handovers over those that people can answer in an hour.
    """

    queue: str
    a_week: float
    busiest_load: float | None
    late: float


def forecast(
    handovers: Sequence[tuple[datetime, str, int | None]], staffing: Mapping[str, float]
) -> Iterable[QueueLoad]:
    """Load by queue, as if every week were the average of those seen.

    People answer at a steady pace in the order of arrival (a fluid queue); what waits longer than its promise
    is late. Of queues without staffing the load is unknown and nothing is late.
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
            queue, round(len(mine) / weeks, 1), round(busiest / pace, 2) if pace else None, round(late, 1)
        )


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
