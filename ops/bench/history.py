"""What a conversation's length costs: its 200th turn next to a 10th, asked the same, one at a time."""

from collections.abc import Iterator, Sequence
from statistics import median

from ops.bench.client import Customer, Target
from ops.bench.load import crowd, together

CONVERSATIONS = 8
LONG = range(195, 206)
SHORT = range(8, 13)
"""The messages of a conversation that are timed."""
PLAN = 40.0
"""Seconds that 8 conversations of 205 messages may take."""


async def long_vs_short(target: Target, questions: Iterator[str]) -> float:
    """The median latency around the 200th message divided by that around the 10th."""
    long: list[float] = []
    short: list[float] = []
    async with crowd(target, CONVERSATIONS, PLAN) as people:
        elders = [await _grown(people, questions, LONG[0] - 1)]
        youths = [await _grown(people, questions, SHORT[0] - 1) for _ in LONG[:: len(SHORT)]]
        for step in range(len(LONG)):
            pairs = zip(elders[0], youths[step // len(SHORT)], strict=True)
            for number, (elder, youth) in enumerate(pairs):
                question = next(questions)
                turns = [(elder, long), (youth, short)]
                for conversation, latencies in turns if (step + number) % 2 else reversed(turns):
                    seconds, _ = await people[0].say_in(conversation, question)
                    latencies.append(seconds)
    return median(long) / median(short)


async def _grown(people: Sequence[Customer], questions: Iterator[str], messages: int) -> list[str]:
    """One conversation a customer, with so many messages said in each."""
    conversations = [await person.open() for person in people]

    async def grow(person: Customer, conversation: str) -> None:
        for _ in range(messages):
            await person.say_in(conversation, next(questions))

    await together(grow(*pair) for pair in zip(people, conversations, strict=True))
    return conversations
