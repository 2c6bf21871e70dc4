"""Rule sets in PostgreSQL: drafts, versions, and the compiled ones kept in this process."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import read_row
from adapters.postgres.tables import organizations, rule_drafts, rule_sets
from domain.errors import NotFoundError
from domain.ids import ContentHash, OrganizationId
from domain.rules.facts import Schema
from domain.rules.ruleset import RuleSet, parse_ruleset
from ports.errors import Conflict
from ports.outbound.rulesets import ActiveRules, Draft, Drafts, RuleSets, State, Version, Versions
from ports.outbound.units import Begin

KEPT = 256
"""Compiled versions kept in a process; the oldest leaves first."""
VERSION = [rule_sets.c[name] for name in Version.__struct_fields__]
MOVABLE = [state.value for state in (State.IN_REVIEW, State.SHADOW, State.CANARY)]
LISTED = [column for column in VERSION if column.name not in {"analysis", "rehearsal"}]


class PostgresRuleSets(RuleSets):
    """The rule sets of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def add(self, version: Version, source: bytes) -> None:
        values = msgspec.structs.asdict(version) | {"state": version.state.value}
        values |= {name: msgspec.to_builtins(values[name]) for name in ("analysis", "rehearsal")}
        await self._connection.execute(
            insert(rule_sets)
            .values(organization_id=self._organization, source=source, **values)
            .on_conflict_do_update(
                index_elements=["organization_id", "hash"],
                set_={"rehearsal": values["rehearsal"]},
                where=rule_sets.c.rehearsal.is_(None),
            )
        )

    async def activate(self, version: ContentHash, approver: str, at: datetime) -> None:
        await self._connection.execute(
            update(rule_sets)
            .where(rule_sets.c.organization_id == self._organization, rule_sets.c.state == State.LIVE.value)
            .values(state=State.RETIRED.value)
        )
        await _set(
            self._connection,
            self._organization,
            version,
            state=State.LIVE.value,
            approver=approver,
            published_at=at,
        )
        await self._connection.execute(
            update(organizations)
            .where(organizations.c.id == self._organization)
            .values(active_ruleset=version)
        )

    async def active(self) -> ContentHash | None:
        query = select(organizations.c.active_ruleset).where(organizations.c.id == self._organization)
        found = (await self._connection.execute(query)).scalar_one_or_none()
        return None if found is None else ContentHash(found)

    async def source(self, version: ContentHash) -> bytes:
        query = select(rule_sets.c.source).where(_is(self._organization, version))
        found = (await self._connection.execute(query)).scalar_one_or_none()
        if found is None:
            raise NotFoundError("rule_set")
        return bytes(found)


class PostgresVersions(Versions):
    """The life of one tenant's versions."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def get(self, version: ContentHash) -> Version:
        query = select(*VERSION).where(_is(self._organization, version))
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("rule_set")
        return read_row(row, Version)

    async def page(self, limit: int) -> Sequence[Version]:
        query = select(*LISTED).where(rule_sets.c.organization_id == self._organization)
        rows = await self._connection.execute(query.order_by(rule_sets.c.created_at.desc()).limit(limit))
        return [read_row(row, Version) for row in rows.mappings()]

    async def move(self, version: ContentHash, state: State, approver: str | None) -> bool:
        done = await self._connection.execute(
            update(rule_sets)
            .where(_is(self._organization, version), rule_sets.c.state.in_(MOVABLE))
            .values(state=state.value, approver=approver)
        )
        return bool(done.rowcount == 1)

    async def lock(self) -> None:
        row = select(organizations.c.id).where(organizations.c.id == self._organization)
        await self._connection.execute(row.with_for_update())


def _is(organization: OrganizationId, version: ContentHash) -> ColumnElement[bool]:
    return (rule_sets.c.organization_id == organization) & (rule_sets.c.hash == version)


async def _set(
    connection: AsyncConnection, organization: OrganizationId, version: ContentHash, **values: object
) -> None:
    done = await connection.execute(update(rule_sets).where(_is(organization, version)).values(**values))
    if done.rowcount != 1:
        raise NotFoundError("rule_set")


class PostgresDrafts(Drafts):
    """The drafts of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def get(self, draft: UUID) -> Draft:
        query = select(rule_drafts).where(self._is(draft))
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("rule_draft")
        return read_row(row, Draft)

    async def page(self) -> Sequence[Draft]:
        query = select(rule_drafts).where(rule_drafts.c.organization_id == self._organization)
        rows = await self._connection.execute(query.order_by(rule_drafts.c.updated_at.desc()))
        return [read_row(row, Draft) for row in rows.mappings()]

    async def save(self, draft: Draft) -> None:
        if draft.version == 1:
            values = msgspec.structs.asdict(draft)
            await self._connection.execute(
                insert(rule_drafts).values(organization_id=self._organization, **values)
            )
            return
        done = await self._connection.execute(
            update(rule_drafts)
            .where(self._is(draft.id), rule_drafts.c.version == draft.version - 1)
            .values(**msgspec.structs.asdict(draft))
        )
        if done.rowcount != 1:
            raise Conflict("Somebody else saved this draft meanwhile. Read it again and repeat your change.")

    async def remove(self, draft: UUID) -> None:
        await self._connection.execute(delete(rule_drafts).where(self._is(draft)))

    def _is(self, draft: UUID) -> ColumnElement[bool]:
        return (rule_drafts.c.organization_id == self._organization) & (rule_drafts.c.id == draft)


class CachedRules(ActiveRules):
    """Rule sets compiled once a version; versions never change, so nothing ever goes stale."""

    def __init__(self, begin: Begin, schema: Schema) -> None:
        self._begin, self._schema = begin, schema
        self._none = RuleSet((), ContentHash(""), schema)
        self._compiled: dict[tuple[OrganizationId, ContentHash], RuleSet] = {}

    async def at(self, organization: OrganizationId, version: ContentHash | None) -> RuleSet:
        if version is None:
            return self._none
        compiled = self._compiled.get((organization, version))
        if compiled is None:
            async with self._begin(organization) as unit:
                compiled = parse_ruleset(
                    await unit.rulesets.source(version), "the active rule set", self._schema
                )
            while len(self._compiled) >= KEPT:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[organization, version] = compiled
        return compiled
