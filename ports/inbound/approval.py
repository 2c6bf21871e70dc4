"""Who acts on rules, and what must be so before a version reaches customers."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from domain.errors import ForbiddenError, TransitionError
from domain.ids import ContentHash, OrganizationId
from domain.rules.trial import GUARDED_FROM
from ports.outbound.rulesets import State, Version
from ports.outbound.trials import Ending
from ports.outbound.units import Unit

AND = ", "
"""Between the names of all who saved a draft; none of them may approve it."""


class Who(Struct, frozen=True):
    """Whose rules, and who acts."""

    organization: OrganizationId
    actor: str


class Gate(StrEnum):
    """What a tenant may demand of a version before it is published."""

    REHEARSAL = "rehearsal"
    TRIAL = "trial"


class Approver(StrEnum):
    """Who may approve a version."""

    ANOTHER = "another"
    ANYBODY = "anybody"


class LabSettings(Struct, frozen=True):
    """The tenant's own rules for rules: who may approve a version (not its author), and the gates."""

    approver: Approver = Approver.ANOTHER
    gates: tuple[Gate, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "LabSettings":
        """Read from the tenant's settings."""
        return msgspec.convert(settings.get("rules", {}), cls)


async def refuse_author(unit: Unit, version: Version, who: Who) -> None:
    """Raise `ForbiddenError` if an author would approve, unless the tenant allows it."""
    settings = LabSettings.of(await unit.settings.get())
    if settings.approver is Approver.ANOTHER and who.actor in version.author.split(AND):
        raise ForbiddenError("second_approver", "Somebody other than the author must approve this version.")


async def refuse_unless_passed(unit: Unit, version: Version) -> None:
    """Raise `TransitionError` for a gate of the tenant's that a version has not passed."""
    gates = LabSettings.of(await unit.settings.get()).gates
    if Gate.REHEARSAL in gates and version.rehearsal is None:
        raise TransitionError(
            "gate_rehearsal", "This version was not rehearsed. Rehearse a draft of it, then submit that."
        )
    if Gate.TRIAL in gates:
        latest = await unit.trials.latest(version.hash)
        turns = (await unit.trials.compared(latest.trial.id)).turns if latest else 0
        if latest is None or latest.ending is Ending.GUARD or turns < GUARDED_FROM:
            raise TransitionError(
                "gate_trial",
                f"This version needs a trial, in shadow or as a canary, over {GUARDED_FROM} turns that its"
                f" guard did not stop; it has seen {turns}.",
            )


async def end_trial(unit: Unit, live: ContentHash, at: datetime) -> None:
    """End the open trial, if there is one, since a version goes live: promoted if it is the one on trial."""
    latest = await unit.trials.latest()
    if latest is None or latest.ended_at is not None:
        return
    promoted = latest.trial.candidate == live
    await unit.trials.end(latest.trial.id, Ending.PROMOTED if promoted else Ending.SUPERSEDED, at)
    if not promoted:
        await unit.versions.move(latest.trial.candidate, State.IN_REVIEW, None)
