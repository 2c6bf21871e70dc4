"""Past turns in PostgreSQL: the stored reasons hold the facts, the message stands beside them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import OrganizationId
from domain.rules.backtest import Past
from domain.rules.facts import FactValue
from ports.outbound.history import History

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
BATCH = 2_000
PAST = """
SELECT t.heard_id, m.created_at, (t.answer -> 'why' -> 'facts')::text AS facts, m.content
FROM ai.turns t
JOIN core.messages m ON m.organization_id = t.organization_id AND m.id = t.heard_id
WHERE t.organization_id = $1 AND m.created_at >= $2
ORDER BY t.created_at LIMIT $3
"""

_facts = msgspec.json.Decoder(dict[str, FactValue])


class PostgresHistory(History):
    """Read through a server-side cursor, so that memory does not grow with the history."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def turns(
        self, organization: OrganizationId, since: datetime, limit: int
    ) -> AsyncIterator[Sequence[Past]]:
        async with driver(self._engine) as connection, connection.transaction(readonly=True):
            await connection.execute(TENANT, str(organization))
            cursor = await connection.cursor(PAST, organization, since, limit)
            while rows := await cursor.fetch(BATCH):
                yield [
                    Past(
                        str(row["heard_id"]),
                        row["created_at"],
                        {**_facts.decode(row["facts"]), "message_text": row["content"]},
                    )
                    for row in rows
                ]
