"""Rated answers in PostgreSQL."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.confidence import Confidence
from domain.ids import OrganizationId
from ports.outbound.labels import Label, Labels

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
RATED = """
SELECT (t.answer #> '{why,confidence}')::text AS parts, f.helpful
FROM core.feedback f
JOIN ai.turns t ON t.organization_id = f.organization_id AND t.reply_id = f.message_id
WHERE f.organization_id = $1 AND t.answer #>> '{why,outcome}' = 'answered'
ORDER BY f.created_at DESC LIMIT $2
"""

_parts = msgspec.json.Decoder(Confidence)


class PostgresLabels(Labels):
    """Customers' ratings of answers from knowledge."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rated(self, organization: OrganizationId, limit: int) -> Sequence[Label]:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            rows = await connection.fetch(RATED, organization, limit)
        return [Label(_parts.decode(row["parts"]), row["helpful"]) for row in rows]
