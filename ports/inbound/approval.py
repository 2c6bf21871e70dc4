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


TRIABLE = frozenset({State.IN_REVIEW, State.SHADOW, State.CANARY})
"""States from which a trial may begin; a shadow becomes a canary in one step."""
GATE_BOUND = 0.2
"""How far a trial may have moved the share of escalations, whatever bound it was begun with."""


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


async def refuse_unrehearsed(unit: Unit, version: Version) -> None:
    """Raise `TransitionError` if the tenant wants a rehearsal and this version had none."""
    if Gate.REHEARSAL in LabSettings.of(await unit.settings.get()).gates and version.rehearsal is None:
        raise TransitionError(
            "gate_rehearsal", "This version was not rehearsed. Rehearse its rules, then submit them again."
        )


async def refuse_unless_passed(unit: Unit, version: Version) -> None:
    """Raise `TransitionError` for a gate of the tenant's that a version has not passed."""
    await refuse_unrehearsed(unit, version)
    if Gate.TRIAL not in LabSettings.of(await unit.settings.get()).gates:
        return
    latest = await unit.trials.latest(version.hash)
    compared = await unit.trials.compared(latest.trial.id) if latest else None
    turns = compared.turns if compared else 0
    if await unit.trial_turns.guarded(version.hash) or (compared and compared.exceeds(GATE_BOUND)):
        raise TransitionError("gate_trial", "A trial of this version moved escalations too far.")
    if turns < GUARDED_FROM:
        raise TransitionError(
            "gate_trial", f"This version needs a trial over {GUARDED_FROM} turns; its last one saw {turns}."
        )


async def end_trial(unit: Unit, live: ContentHash, at: datetime) -> None:
    """End the open trial, if there is one, since a version goes live: promoted if it is the one on trial."""
    latest = await unit.trials.latest()
    if latest is None or latest.ended_at is not None:
        return
    if latest.trial.candidate == live:
        await unit.trials.end(latest.trial.id, Ending.PROMOTED, at)
    else:
        await stop_trial(unit, latest.trial.candidate, Ending.SUPERSEDED, at)


async def stop_trial(unit: Unit, candidate: ContentHash, ending: Ending, at: datetime) -> None:
    """End the open trial of a version, if it has one; the version is in review again."""
    latest = await unit.trials.latest(candidate)
    if latest is not None and latest.ended_at is None:
        await unit.trials.end(latest.trial.id, ending, at)
        await unit.versions.move(candidate, State.IN_REVIEW, None)
