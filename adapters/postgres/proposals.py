"""Proposals in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Text, all_, and_, case, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import read_row
from adapters.postgres.tables import proposals
from domain.errors import NotFoundError
from domain.ids import OrganizationId
from ports.outbound.proposals import Proposal, ProposalKind, Proposals, ProposalState, Reviews

OPEN = ProposalState.OPEN.value
ASK = text(
    "INSERT INTO core.outbox (organization_id, event)"
    " VALUES (:organization, jsonb_build_object('event', 'review_asked', 'at', now()))"
)


class PostgresProposals(Proposals):
    """The proposals of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization
        self._mine = proposals.c.organization_id == organization

    async def offer(self, found: Sequence[Proposal], renewed: Sequence[ProposalKind]) -> int:
        kept = [(one.kind.value, one.key) for one in found]
        kinds = [kind.value for kind in renewed]
        outdated = and_(self._mine, proposals.c.state == OPEN, proposals.c.kind.in_(kinds))
        for kind in renewed:
            keys = [one.key for one in found if one.kind is kind]
            outdated = and_(
                outdated,
                or_(proposals.c.kind != kind.value, proposals.c.key != all_(literal(keys, ARRAY(Text)))),
            )
        await self._connection.execute(
            update(proposals).where(outdated).values(state=ProposalState.OUTDATED.value)
        )
        known = await self._connection.execute(select(proposals.c.kind, proposals.c.key).where(self._mine))
        before = {(row[0], row[1]) for row in known}
        if found:
            statement = insert(proposals)
            undecided = or_(proposals.c.state == OPEN, proposals.c.state == ProposalState.OUTDATED.value)
            newer = {
                name: case((undecided, statement.excluded[name]), else_=proposals.c[name])
                for name in ("title", "body", "state")
            }
            await self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["key", "organization_id", "kind"],
                    set_={**newer, "detail": statement.excluded.detail},
                ),
                [{"organization_id": self._organization, **_columns(one)} for one in found],
            )
        return len({*kept} - before)

    async def page(self, kind: ProposalKind | None, state: ProposalState, limit: int) -> Sequence[Proposal]:
        query = select(proposals).where(self._mine, proposals.c.state == state.value)
        if kind is not None:
            query = query.where(proposals.c.kind == kind.value)
        newest = query.order_by(proposals.c.created_at.desc(), proposals.c.id).limit(limit)
        rows = (await self._connection.execute(newest)).mappings()
        return [read_row(row, Proposal) for row in rows]

    async def get(self, proposal: UUID) -> Proposal:
        query = select(proposals).where(self._mine, proposals.c.id == proposal)
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("proposal")
        return read_row(row, Proposal)

    async def decide(self, proposal: UUID, state: ProposalState, actor: str, at: datetime) -> bool:
        done = await self._connection.execute(
            update(proposals)
            .where(self._mine, proposals.c.id == proposal, proposals.c.state == OPEN)
            .values(state=state.value, decided_by=actor, decided_at=at)
        )
        return done.rowcount == 1


def _columns(one: Proposal) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(one, builtin_types=(datetime, UUID))
    return found


class PostgresReviews(Reviews):
    """Asked for through the outbox."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def ask(self) -> None:
        await self._connection.execute(ASK, {"organization": self._organization})
