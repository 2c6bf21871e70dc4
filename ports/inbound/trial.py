"""Trials: a candidate decides beside the live rules, in shadow or for a share of the conversations."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from domain.errors import NotFoundError, TransitionError
from domain.ids import ContentHash, OrganizationId
from domain.rules.trial import Compared, Trial
from ports.inbound.approval import TRIABLE, Who, end_trial, refuse_author, refuse_unrehearsed, stop_trial
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock, Ids
from ports.outbound.rulesets import State
from ports.outbound.trials import Difference, Ending, TrialRecord
from ports.outbound.units import Begin, Unit

SHOWN = 20


class StartTrial(Struct, frozen=True):
    """Try a version: `percent` of the conversations run it, 0 is a shadow.

    The trial stops itself when the share of escalations moves by more than `bound`.
    """

    who: Who
    candidate: ContentHash
    percent: int = 0
    bound: float = 0.05


class Standing(Struct, frozen=True):
    """A trial, how it compares so far, and the newest turns that were decided differently."""

    record: TrialRecord
    compared: Compared
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class RuleTrials:
    """One open trial a tenant. Every start and stop is in the audit trail."""

    begin: Begin
    clock: Clock
    ids: Ids

    async def start(self, command: StartTrial) -> TrialRecord:
        """Begin a trial; another one ends.

        Raises `ForbiddenError` if an author would let customers meet the version, `TransitionError` for a
        version that is not in review, `NotFoundError`.
        """
        who, now = command.who, self.clock.now()
        trial = Trial(self.ids.fresh(), command.candidate, command.percent, command.bound)
        record = TrialRecord(trial, who.actor, now)
        async with self.begin(who.organization) as unit:
            await unit.versions.lock()
            version = await unit.versions.get(command.candidate)
            if version.state not in TRIABLE:
                raise TransitionError(
                    "not_in_review", f"This version is {version.state.value}, not in review."
                )
            if command.percent:
                await refuse_author(unit, version, who)
                await refuse_unrehearsed(unit, version)
            await end_trial(unit, ContentHash(""), now)
            await unit.versions.move(
                version.hash, State.CANARY if command.percent else State.SHADOW, version.approver
            )
            await unit.trials.start(record)
            details = {"percent": command.percent, "bound": command.bound}
            await unit.audit.note(Entry(now, who.actor, "rules.trial", version.hash, details))
            await unit.commit()
        return record

    async def stop(self, who: Who, candidate: ContentHash) -> Standing:
        """End the open trial of a version; it is in review again. Raises `TransitionError`."""
        async with self.begin(who.organization) as unit:
            await unit.versions.lock()
            record = await unit.trials.latest(candidate)
            if record is None or record.ended_at is not None:
                raise TransitionError("no_trial", "No trial of this version is open.")
            await self._end(unit, record, Ending.STOPPED, who.actor)
            standing = await self._standing(unit, candidate)
            await unit.commit()
        return standing

    async def standing(self, organization: OrganizationId, candidate: ContentHash) -> Standing:
        """The newest trial of a version. Raises `NotFoundError` if it had none."""
        async with self.begin(organization) as unit:
            return await self._standing(unit, candidate)

    async def guard(self, organization: OrganizationId) -> bool:
        """Look at the open trial, and stop it if escalations left its bound; True if it was stopped."""
        async with self.begin(organization) as unit:
            await unit.versions.lock()
            record = await unit.trials.latest()
            if record is None or record.ended_at is not None:
                return False
            compared = await unit.trials.compared(record.trial.id, self.clock.now())
            stop = compared.exceeds(record.trial.bound)
            if stop:
                await self._end(unit, record, Ending.GUARD, "guard")
            await unit.commit()
        return stop

    async def _end(self, unit: Unit, record: TrialRecord, ending: Ending, actor: str) -> None:
        now = self.clock.now()
        await stop_trial(unit, record.trial.candidate, ending, now)
        await unit.audit.note(Entry(now, actor, f"rules.trial_{ending}", record.trial.candidate))

    async def _standing(self, unit: Unit, candidate: ContentHash) -> Standing:
        record = await unit.trials.latest(candidate)
        if record is None:
            raise NotFoundError("trial")
        compared = await unit.trials.compared(record.trial.id)
        return Standing(record, compared, await unit.trial_turns.differences(record.trial.id, SHOWN))
