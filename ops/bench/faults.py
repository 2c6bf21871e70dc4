"""1,000 turns with language models of which 30% of the requests fail, in every way that such servers do.

Run: python -m ops.bench.faults [TURNS]. Everybody must be answered or handed over, within the deadline; while
a circuit breaker is open its endpoint must not be called.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import msgspec
import numpy as np

from domain.conversation import Channel
from domain.ids import MessageId, UserId
from entrypoints.bootstrap import App, open_app
from entrypoints.embedded import DEMO_ORGANIZATION, stack
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.reply import Reply
from ports.inbound.start import Start
from tests.fakes.model_server import FAULTS, ModelServer, serving

SHARE, SECONDS, AT_ONCE = 0.3, 2.0, 8
QUESTIONS = (
    "How do I reset my password?",
    "Too many SOQL queries: 101 in my trigger",
    "Why can a user not see a record?",
    "How do I schedule a report?",
    "UNABLE_TO_LOCK_ROW when I load contacts",
    "What does INVALID_SESSION_ID mean?",
)


async def one(app: App, number: int) -> tuple[Answer, float]:
    """A question in a conversation of its own, and how long its answer took."""
    started = await app.start(Start(DEMO_ORGANIZATION, UserId(uuid4()), Channel.API))
    text = f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"
    began = perf_counter()
    answer = await app.reply(Reply(DEMO_ORGANIZATION, started.conversation.id, MessageId(uuid4()), text))
    return msgspec.json.decode(answer, type=Answer), perf_counter() - began


async def measured(base: Settings, turns: int) -> dict[str, object]:
    """What became of them."""
    dice = random.Random(7)  # noqa: S311  # the same faults every time
    servers = [ModelServer(), ModelServer()]
    for server in servers:
        server.faults = [dice.choice(FAULTS) if dice.random() < SHARE else None for _ in range(10 * turns)]
    async with serving(*servers):
        settings = msgspec.structs.replace(
            base,
            openai_api_key="k",
            openai_url=servers[0].url,
            openai_model="outside",
            vllm_url=servers[1].url,
            vllm_model="inside",
            model_seconds=SECONDS,
        )
        async with open_app(settings) as app:
            await one(app, 0)
            gate = asyncio.Semaphore(AT_ONCE)

            async def in_turn(number: int) -> tuple[Answer, float]:
                async with gate:
                    return await one(app, number)

            found = await asyncio.gather(*map(in_turn, range(turns)))
    outcomes = Counter(
        attempt.outcome for answer, _ in found if answer.why.models for attempt in answer.why.models.attempts
    )
    calls, tried = sum(len(server.asked) for server in servers), sum(outcomes.values())
    spent = np.array([seconds for _, seconds in found]) * 1_000
    return {
        "turns": turns,
        "answered_or_handed_over": sum(bool(a.citations) or a.requires_escalation for a, _ in found),
        "by_models": sum(a.why.route not in {"extractive", "fixed text"} for a, _ in found),
        "p50_ms": round(float(np.percentile(spent, 50))),
        "p99_ms": round(float(np.percentile(spent, 99))),
        "deadline_ms": round(1_000 * SECONDS),
        "attempts": dict(outcomes),
        "calls": calls,
        "retries": calls - (tried - outcomes["open"]),
    }


def main() -> None:
    """Print the figures."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder), "bench", lambda *_: None) as up:
        found = asyncio.run(measured(up.settings, turns))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
