"""Rehearsals: past turns replayed under a document and the live rules, at once or as a job."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import DomainError
from domain.ids import OrganizationId
from domain.rules.backtest import Rehearsal as Replay
from domain.rules.backtest import Report
from domain.rules.facts import Schema
from domain.rules.ruleset import parse_ruleset
from ports.inbound.approval import Who
from ports.outbound.clock import Clock, Ids
from ports.outbound.history import History
from ports.outbound.rulesets import ActiveRules
from ports.outbound.trials import Rehearsal, RehearsalState
from ports.outbound.units import Begin

MAX_REHEARSED = 1_000_000
"""Turns that one rehearsal replays, the oldest first."""

SLICE = 500
"""Turns between two signs of life."""

GoingOn = Callable[[int], Awaitable[bool]]
"""Hears how many turns are done; False ends the rehearsal."""


class AskRehearsal(Struct, frozen=True):
    """Replay the turns since a time. `staffing`: handovers an hour that each queue's people can answer."""

    who: Who
    document: bytes
    since: datetime
    staffing: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Ask for a rehearsal, watch it, cancel it; run it in a worker."""

    begin: Begin
    rules: ActiveRules
    history: History
    clock: Clock
    ids: Ids
    schema: Schema

    async def ask(self, command: AskRehearsal, state: RehearsalState = RehearsalState.WAITING) -> Rehearsal:
        """Queue a rehearsal, unless the caller runs it. Raises `RuleError` for wrong rules."""
        await asyncio.to_thread(parse_ruleset, command.document, "the draft", self.schema)
        rehearsal = Rehearsal(
            self.ids.fresh(),
            command.who.actor,
            command.document,
            command.since,
            command.staffing,
            self.clock.now(),
            state,
        )
        async with self.begin(command.who.organization) as unit:
            await unit.rehearsals.add(rehearsal)
            await unit.commit()
        return rehearsal

    async def get(self, organization: OrganizationId, rehearsal: UUID) -> Rehearsal:
        """A rehearsal with its progress, or its report. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            return await unit.rehearsals.get(rehearsal)

    async def give_up(self, organization: OrganizationId, rehearsal: UUID, why: str) -> None:
        """Mark a rehearsal as failed; one that is over stays as it is."""
        async with self.begin(organization) as unit:
            found = await unit.rehearsals.get(rehearsal)
            await unit.rehearsals.advance(replace(found, state=RehearsalState.FAILED, error=why))
            await unit.commit()

    async def cancel(self, organization: OrganizationId, rehearsal: UUID) -> Rehearsal:
        """Stop a rehearsal; one that is over stays as it is. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            found = await unit.rehearsals.get(rehearsal)
            await unit.rehearsals.advance(replace(found, state=RehearsalState.CANCELLED))
            found = await unit.rehearsals.get(rehearsal)
            await unit.commit()
        return found

    async def run(self, organization: OrganizationId, rehearsal: UUID, extend: GoingOn) -> Report | None:
        """Do a rehearsal and keep its report; None if it was cancelled, failed, or `extend` says to stop."""
        async with self.begin(organization) as unit:
            found = await unit.rehearsals.get(rehearsal)

        async def store(state: RehearsalState, turns: int, report: object, error: str | None) -> bool:
            at = replace(found, state=state, turns=turns, report=report, error=error)
            async with self.begin(organization) as unit:
                going_on = await unit.rehearsals.advance(at)
                await unit.commit()
            return going_on

        async def going_on(turns: int) -> bool:
            return await store(RehearsalState.RUNNING, turns, None, None) and await extend(turns)

        if not await going_on(0):
            return None
        try:
            report = await self._replay(
                AskRehearsal(Who(organization, found.actor), found.document, found.since, found.staffing),
                going_on,
            )
        except DomainError as error:
            await store(RehearsalState.FAILED, 0, None, str(error))
            return None
        done = not report.cancelled and await store(RehearsalState.DONE, report.turns, report, None)
        return report if done else None

    async def _replay(self, command: AskRehearsal, going_on: GoingOn) -> Report:
        organization = command.who.organization
        draft = await asyncio.to_thread(parse_ruleset, command.document, "the draft", self.schema)
        async with self.begin(organization) as unit:
            live = await unit.rulesets.active()
        replay = Replay(await self.rules.at(organization, live), draft)
        async for batch in self.history.turns(organization, command.since, MAX_REHEARSED):
            for start in range(0, len(batch), SLICE):
                done = await asyncio.to_thread(replay.replay, batch[start : start + SLICE])
                if not await going_on(done):
                    return await asyncio.to_thread(replay.report, command.staffing, cancelled=True)
        return await asyncio.to_thread(replay.report, command.staffing)
