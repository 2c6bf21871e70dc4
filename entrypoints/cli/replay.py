"""`casepilot replay`: a past turn, decided again."""

from uuid import UUID

from domain.ids import MessageId
from domain.receipt import Replayed
from entrypoints.bootstrap import open_app
from entrypoints.cli.output import show
from entrypoints.embedded import DEMO_ORGANIZATION
from entrypoints.settings import Settings


async def replay(settings: Settings, turn: UUID) -> Replayed:
    """Raises `NotFoundError`."""
    async with open_app(settings) as app:
        return await app.replay(DEMO_ORGANIZATION, MessageId(turn))


def print_replay(found: Replayed) -> None:
    """The decision path, and what came out differently, for people."""
    why = found.why
    show(
        f"{why.outcome} by {why.route}, confidence {why.confidence.value:.0%}, rules {why.ruleset or 'none'}"
    )
    show(f"searched for: {why.question}")
    for passage in why.passages:
        show(f"  {passage.score:.3f}  {passage.passage_id}  {passage.title}")
    for fired in why.rules.fired if why.rules else ():
        show(f"  rule {fired.rule}")
    for one in found.differences:
        show(f"{one.what} was {one.then!r}\n{' ' * len(one.what)}  is {one.now!r}")
    show("The same, decided again." if found.same else f"Different; first decided by {found.software}.")
