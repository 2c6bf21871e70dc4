"""API keys in PostgreSQL: hashes only. A key names its tenant, so verifying it looks at that tenant alone."""

import base64
import hashlib
import hmac
import secrets
import time
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import OrganizationId
from ports.outbound.keys import ApiKeys, Principal

PREFIX = "cpk"
ORGANIZATION_CHARACTERS = 22
"""Characters of a UUID in unpadded URL-safe base64."""
FRESH = 5.0
"""Seconds for which a verified key is believed without asking again: revocation takes hold within them."""
KEPT = 10_000
TENANT = "SELECT set_config('app.current_org_id', $1, true)"
FIND = """
SELECT id, hash, scopes FROM core.api_keys
WHERE organization_id = $1 AND hash = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
ISSUE = """
INSERT INTO core.api_keys (organization_id, name, hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)
"""


class PostgresApiKeys(ApiKeys):
    """Verifies and issues keys. Keys are 256 random bits, so a plain SHA-256 is a safe hash of one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._believed: dict[bytes, tuple[float, Principal]] = {}

    async def verify(self, key: str) -> Principal | None:
        organization = organization_of(key)
        if organization is None:
            return None
        digest = hashlib.sha256(key.encode()).digest()
        believed = self._believed.get(digest)
        if believed is not None and believed[0] > time.monotonic():
            return believed[1]
        return await self._look_up(organization, digest)

    async def issue(
        self, organization: OrganizationId, name: str, scopes: frozenset[str], at: datetime
    ) -> str:
        tenant = base64.urlsafe_b64encode(organization.bytes).rstrip(b"=").decode()
        key = f"{PREFIX}_{tenant}_{secrets.token_urlsafe(32)}"
        digest = hashlib.sha256(key.encode()).digest()
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            await connection.execute(ISSUE, organization, name, digest, sorted(scopes), at)
        return key

    async def _look_up(self, organization: OrganizationId, digest: bytes) -> Principal | None:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            row = await connection.fetchrow(FIND, organization, digest)
        if row is None or not hmac.compare_digest(row["hash"], digest):
            self._believed.pop(digest, None)
            return None
        principal = Principal(f"key:{row['id']}", organization, None, frozenset(row["scopes"]))
        while len(self._believed) >= KEPT:
            self._believed.pop(next(iter(self._believed)))
        self._believed[digest] = (time.monotonic() + FRESH, principal)
        return principal


def organization_of(key: str) -> OrganizationId | None:
    """The tenant that a key names; None for what is no key of ours."""
    prefix, _, rest = key.partition("_")
    tenant, separator = (
        rest[:ORGANIZATION_CHARACTERS],
        rest[ORGANIZATION_CHARACTERS : ORGANIZATION_CHARACTERS + 1],
    )
    if prefix != PREFIX or separator != "_" or not key.isascii():
        return None
    try:
        return OrganizationId(UUID(bytes=base64.b64decode(tenant + "==", altchars=b"-_", validate=True)))
    except ValueError:
        return None
