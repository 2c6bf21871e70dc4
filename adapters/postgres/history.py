"""Past turns in PostgreSQL: the stored reasons hold the facts, the message stands beside them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.errors import NotFoundError
from domain.ids import ContentHash, MessageId, OrganizationId
from domain.rules.backtest import Past
from domain.rules.facts import FactValue
from ports.outbound.history import History, LastFired
from ports.outbound.receipts import Kept, Receipts

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
BATCH = 2_000
PATIENCE = "SET LOCAL statement_timeout = '30s'"
TOLD = """
SELECT t.heard_id, m.created_at, (t.answer -> 'why' -> 'facts')::text AS facts, t.ruleset, concat_ws(
    E'\\n',
    (
        SELECT string_agg(p.content, E'\\n' ORDER BY p.seq)
        FROM jsonb_array_elements_text(t.answer #> '{why,after}') a
        JOIN core.messages p ON p.organization_id = t.organization_id AND p.id = a::uuid
    ),
    m.content
) AS content
FROM ai.turns t
JOIN core.messages m ON m.organization_id = t.organization_id AND m.id = t.heard_id
WHERE t.organization_id = $1
"""
PAST = f"{TOLD} AND m.created_at >= $2 ORDER BY t.created_at LIMIT $3"
ONE = f"{TOLD} AND t.heard_id = $2"
FIRED = """
SELECT f ->> 'rule' AS rule, count(*) AS times, max(t.created_at) AS last
FROM ai.turns t, jsonb_array_elements(t.answer #> '{why,rules,fired}') f
WHERE t.organization_id = $1 AND t.created_at >= $2
GROUP BY 1
"""

RECEIPT = """
SELECT answer::text AS answer, receipt FROM ai.turns
WHERE organization_id = $1 AND (heard_id = $2 OR reply_id = $2)
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
                yield [_past(row) for row in rows]

    async def one(self, organization: OrganizationId, heard: MessageId) -> tuple[Past, ContentHash | None]:
        async with driver(self._engine) as connection, connection.transaction(readonly=True):
            await connection.execute(TENANT, str(organization))
            row = await connection.fetchrow(ONE, organization, heard)
        if row is None:
            raise NotFoundError("turn")
        return _past(row), row["ruleset"] and ContentHash(row["ruleset"])

    async def fired(self, organization: OrganizationId, since: datetime) -> Mapping[str, LastFired]:
        async with driver(self._engine) as connection, connection.transaction(readonly=True):
            await connection.execute(TENANT, str(organization))
            await connection.execute(PATIENCE)
            rows = await connection.fetch(FIRED, organization, since)
        return {row["rule"]: LastFired(row["times"], row["last"]) for row in rows}


class PostgresReceipts(Receipts):
    """Beside the answers."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, organization: OrganizationId, turn: MessageId) -> Kept:
        async with driver(self._engine) as connection, connection.transaction(readonly=True):
            await connection.execute(TENANT, str(organization))
            row = await connection.fetchrow(RECEIPT, organization, turn)
        if row is None:
            raise NotFoundError("turn")
        return Kept(row["answer"].encode(), row["receipt"] or None)


def _past(row: Mapping[str, Any]) -> Past:
    facts = {**_facts.decode(row["facts"]), "message_text": row["content"]}
    return Past(str(row["heard_id"]), row["created_at"], facts)
