"""What a conversation's length costs: its 200th turn next to another's 10th, one question at a time."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from statistics import median

from ops.bench.client import Customer, Target
from ops.bench.load import crowd, together
from ports.errors import Unavailable

CONVERSATIONS = 8
LONG = range(195, 206)
SHORT = range(8, 13)
"""The messages of a conversation that are timed."""
CALM = 60
"""Questions tried alone first: a long conversation is of those that hand nobody over to people."""
PLAN = 60.0
"""Seconds that 8 conversations of 205 messages may take."""


async def long_vs_short(target: Target, questions: Iterator[str]) -> float:
    """The median latency around the 200th message divided by that around the 10th. Raises `Unavailable`.

    `questions` should be answerable: once people took over, nothing is thought.
    """
    long: list[float] = []
    short: list[float] = []
    async with crowd(target, CONVERSATIONS, PLAN) as people:
        questions = cycle([one for one in islice(questions, CALM) if not await _escalates(people[0], one)])
        elders = await _grown(people, questions, LONG[0] - 1)
        youths = [await _grown(people, questions, SHORT[0] - 1) for _ in LONG[:: len(SHORT)]]
        for step in range(len(LONG)):
            pairs = zip(elders, youths[step // len(SHORT)], strict=False)
            for number, (elder, youth) in enumerate(pairs):
                question = next(questions)
                turns = [(elder, long), (youth, short)]
                for conversation, latencies in turns if (step + number) % 2 else reversed(turns):
                    seconds, _ = await people[0].say_in(conversation, question)
                    latencies.append(seconds)
    return median(long) / median(short)


async def _escalates(person: Customer, question: str) -> bool:
    _, escalated = await person.say_in(await person.open(), question)
    return escalated


async def _grown(people: Sequence[Customer], questions: Iterator[str], messages: int) -> list[str]:
    """Conversations with so many messages said in each; those that people took over are left out."""
    grown: list[str] = []

    async def grow(person: Customer) -> None:
        conversation = await person.open()
        for _ in range(messages):
            _, escalated = await person.say_in(conversation, next(questions))
            if escalated:
                return
        grown.append(conversation)

    await together(grow(person) for person in people)
    if not grown:
        raise Unavailable(f"People took over every conversation before its message {messages + 1}.")
    return grown
