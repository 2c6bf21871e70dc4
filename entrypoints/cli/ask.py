"""`casepilot ask`: one question through the whole turn."""

import textwrap

from domain.conversation import Channel
from domain.ids import MessageId, UserId
from entrypoints.bootstrap import open_app
from entrypoints.cli.output import show
from entrypoints.embedded import DEMO_ORGANIZATION
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.reply import Reply
from ports.inbound.start import Start

WIDTH = 100


async def ask(settings: Settings, text: str, tier: str | None) -> bytes:
    """The answer as JSON, from a conversation of its own."""
    async with open_app(settings) as app:
        metadata = {"customer_tier": tier} if tier else {}
        user = UserId(app.ports.ids.fresh())
        started = await app.start(Start(DEMO_ORGANIZATION, user, Channel.API, metadata))
        command = Reply(DEMO_ORGANIZATION, started.conversation.id, MessageId(app.ports.ids.fresh()), text)
        return await app.reply(command)


def print_answer(answer: Answer) -> None:
    """The answer for people: text, sources, and why."""
    for line in answer.response.splitlines():
        show(
            line if line.startswith(("    ", "```")) else textwrap.fill(line, WIDTH, subsequent_indent="   ")
        )
    if answer.citations:
        show("\nSources")
    for citation in answer.citations:
        heading = f" - {citation.heading}" if citation.heading else ""
        show(f"  [{citation.number}] {citation.title}{heading} ({citation.article_id})")
    show(
        f"\n{answer.response_type}, confidence {answer.confidence:.0%}, intent {answer.intent}, "
        f"sentiment {answer.sentiment.score:+.2f} {answer.sentiment.emotion}, {answer.processing_time_ms} ms"
    )
    if answer.escalation_reason:
        show(f"Handed to people: {answer.escalation_reason}")
