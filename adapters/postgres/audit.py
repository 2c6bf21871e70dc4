"""The audit trail in PostgreSQL: the application's role may add and read, never change."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import read_row
from adapters.postgres.tables import entries
from domain.ids import OrganizationId
from ports.outbound.audit import Audit, Entry

SHOWN = [entries.c[name] for name in Entry.__struct_fields__]


class PostgresAudit(Audit):
    """Entries of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def note(self, entry: Entry) -> None:
        values = msgspec.structs.asdict(entry) | {"details": msgspec.to_builtins(entry.details)}
        await self._connection.execute(insert(entries).values(organization_id=self._organization, **values))

    async def page(self, prefix: str, limit: int) -> Sequence[Entry]:
        query = select(*SHOWN).where(
            entries.c.organization_id == self._organization,
            entries.c.action.startswith(prefix, autoescape=True),
        )
        rows = await self._connection.execute(query.order_by(entries.c.id.desc()).limit(limit))
        return [read_row(row, Entry) for row in rows.mappings()]
