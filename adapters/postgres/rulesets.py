"""Rule sets in PostgreSQL, and the compiled ones kept in this process."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables import organizations, rule_sets
from domain.errors import NotFoundError
from domain.ids import ContentHash, OrganizationId
from domain.rules.facts import Schema
from domain.rules.ruleset import RuleSet, parse_ruleset
from ports.outbound.rulesets import ActiveRules, RuleSets
from ports.outbound.units import Begin

KEPT = 256
"""Compiled versions kept in a process; the oldest leaves first."""


class PostgresRuleSets(RuleSets):
    """The rule sets of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def publish(self, ruleset: RuleSet, source: bytes, author: str) -> None:
        await self._connection.execute(
            insert(rule_sets)
            .values(organization_id=self._organization, hash=ruleset.hash, source=source, author=author)
            .on_conflict_do_nothing()
        )
        await self._connection.execute(
            update(organizations)
            .where(organizations.c.id == self._organization)
            .values(active_ruleset=ruleset.hash)
        )

    async def active(self) -> ContentHash | None:
        query = select(organizations.c.active_ruleset).where(organizations.c.id == self._organization)
        found = (await self._connection.execute(query)).scalar_one_or_none()
        return None if found is None else ContentHash(found)

    async def source(self, version: ContentHash) -> bytes:
        query = select(rule_sets.c.source).where(
            rule_sets.c.organization_id == self._organization, rule_sets.c.hash == version
        )
        found = (await self._connection.execute(query)).scalar_one_or_none()
        if found is None:
            raise NotFoundError("rule_set")
        return bytes(found)


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
