"""Idempotency keys in PostgreSQL."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import OrganizationId
from ports.outbound.idempotency import Claim, Claimed, Idempotency, InFlight, Mismatch, Replay

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
INSERT = """
INSERT INTO core.idempotency (organization_id, key, fingerprint, lease_until) VALUES ($1, $2, $3, now() + $4)
ON CONFLICT DO NOTHING RETURNING true
"""
FIND = """
SELECT fingerprint, status, body, lease_until < now() AS lapsed FROM core.idempotency
WHERE organization_id = $1 AND key = $2 FOR UPDATE
"""
RENEW = "UPDATE core.idempotency SET lease_until = now() + $3 WHERE organization_id = $1 AND key = $2"
KEEP = "UPDATE core.idempotency SET status = $3, body = $4 WHERE organization_id = $1 AND key = $2"
RELEASE = "DELETE FROM core.idempotency WHERE organization_id = $1 AND key = $2 AND status IS NULL"


class PostgresIdempotency(Idempotency):
    """Claims, answers and replays, one transaction each."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(
        self, organization: OrganizationId, key: str, fingerprint: bytes, lease: timedelta
    ) -> Claim:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            if await connection.fetchval(INSERT, organization, key, fingerprint, lease):
                return Claimed()
            row = await connection.fetchrow(FIND, organization, key)
            if row is None:
                return InFlight()
            if bytes(row["fingerprint"]) != fingerprint:
                return Mismatch()
            if row["status"] is not None:
                return Replay(row["status"], bytes(row["body"]))
            if not row["lapsed"]:
                return InFlight()
            await connection.execute(RENEW, organization, key, lease)
            return Claimed()

    async def keep(self, organization: OrganizationId, key: str, answer: Replay) -> None:
        await self._run(organization, KEEP, organization, key, answer.status, answer.body)

    async def release(self, organization: OrganizationId, key: str) -> None:
        await self._run(organization, RELEASE, organization, key)

    async def _run(self, organization: OrganizationId, statement: str, *values: object) -> None:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            await connection.execute(statement, *values)
