"""Trials, rehearsals and settings in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, case, desc, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import read_row
from adapters.postgres.tables import organizations, rehearsals, trials, turns
from domain.errors import NotFoundError
from domain.ids import ContentHash, OrganizationId
from domain.rules.trial import Compared, Trial
from ports.outbound.trials import (
    Difference,
    Ending,
    Rehearsal,
    Rehearsals,
    RehearsalState,
    TenantSettings,
    TrialRecord,
    Trials,
    TrialTurns,
)

GOING_ON = (RehearsalState.WAITING.value, RehearsalState.RUNNING.value)


class PostgresTrials(Trials, TrialTurns):
    """The trials of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def start(self, record: TrialRecord) -> None:
        await self._connection.execute(
            insert(trials).values(
                organization_id=self._organization,
                **msgspec.structs.asdict(record.trial),
                actor=record.actor,
                started_at=record.started_at,
                checked_at=record.started_at,
            )
        )

    async def end(self, trial: UUID, ending: Ending, at: datetime) -> None:
        t = trials.c
        await self._connection.execute(
            update(trials)
            .where(t.organization_id == self._organization, t.id == trial, t.ended_at.is_(None))
            .values(ended_at=at, ending=ending.value)
        )

    async def latest(self, candidate: ContentHash | None = None) -> TrialRecord | None:
        t = trials.c
        query = select(trials).where(t.organization_id == self._organization)
        if candidate is not None:
            query = query.where(t.candidate == candidate)
        newest = query.order_by(t.ended_at.is_(None).desc(), t.started_at.desc()).limit(1)
        row = (await self._connection.execute(newest)).mappings().first()
        if row is None:
            return None
        return TrialRecord(
            read_row(row, Trial),
            row["actor"],
            row["started_at"],
            row["ended_at"],
            Ending(row["ending"]) if row["ending"] else None,
        )

    async def compared(self, trial: UUID, checked: datetime | None = None) -> Compared:
        t, beside = turns.c, turns.c.beside
        live, candidate = beside["live"].as_boolean(), beside["candidate"].as_boolean()
        query = select(
            func.count(),
            _count(beside["ran"].astext == "candidate"),
            _count(beside["slots"] != literal({}, JSONB)),
            _count(live),
            _count(and_(candidate, ~live)),
            _count(and_(live, ~candidate)),
        ).where(t.trial == trial, t.organization_id == self._organization)
        row = (await self._connection.execute(query)).one()
        if checked is not None:
            await self._connection.execute(
                update(trials)
                .where(trials.c.organization_id == self._organization, trials.c.id == trial)
                .values(checked_at=checked)
            )
        return Compared(*row)

    async def guarded(self, candidate: ContentHash) -> bool:
        t = trials.c
        query = select(t.id).where(
            t.organization_id == self._organization,
            t.candidate == candidate,
            t.ending == Ending.GUARD.value,
        )
        return (await self._connection.execute(query.limit(1))).first() is not None

    async def differences(self, trial: UUID, limit: int) -> Sequence[Difference]:
        t = turns.c
        query = select(t.heard_id, t.created_at, t.beside).where(
            t.trial == trial,
            t.organization_id == self._organization,
            t.beside["slots"] != literal({}, JSONB),
        )
        rows = await self._connection.execute(query.order_by(t.created_at.desc()).limit(limit))
        return [
            msgspec.convert({"message": row[0], "at": row[1], "beside": row[2]}, Difference) for row in rows
        ]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


class PostgresRehearsals(Rehearsals):
    """The rehearsals of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def add(self, rehearsal: Rehearsal) -> None:
        values = msgspec.structs.asdict(rehearsal) | {"state": rehearsal.state.value}
        await self._connection.execute(
            insert(rehearsals).values(organization_id=self._organization, **values)
        )

    async def get(self, rehearsal: UUID) -> Rehearsal:
        r = rehearsals.c
        query = select(rehearsals).where(r.organization_id == self._organization, r.id == rehearsal)
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("rehearsal")
        return read_row(row, Rehearsal)

    async def advance(self, rehearsal: Rehearsal) -> bool:
        r = rehearsals.c
        done = await self._connection.execute(
            update(rehearsals)
            .where(r.organization_id == self._organization, r.id == rehearsal.id, r.state.in_(GOING_ON))
            .values(
                state=rehearsal.state.value,
                turns=rehearsal.turns,
                report=msgspec.to_builtins(rehearsal.report),
                error=rehearsal.error,
            )
        )
        return bool(done.rowcount == 1)

    async def report_of(self, document: bytes) -> object:
        r = rehearsals.c
        query = select(r.report).where(
            r.organization_id == self._organization,
            r.document == document,
            r.state == RehearsalState.DONE.value,
        )
        found = await self._connection.execute(query.order_by(desc(r.created_at)).limit(1))
        return found.scalar_one_or_none()


class PostgresSettings(TenantSettings):
    """The settings of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def get(self) -> Mapping[str, object]:
        query = select(organizations.c.settings).where(organizations.c.id == self._organization)
        return dict((await self._connection.execute(query)).scalar_one_or_none() or {})

    async def put(self, changes: Mapping[str, object]) -> None:
        await self._connection.execute(
            update(organizations)
            .where(organizations.c.id == self._organization)
            .values(settings=organizations.c.settings.concat(literal(msgspec.to_builtins(changes), JSONB)))
        )
