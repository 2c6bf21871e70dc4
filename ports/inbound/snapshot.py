"""Store a tenant's index, so that processes that answer load it instead of building it."""

import asyncio
from dataclasses import dataclass

from domain.errors import DataFileError
from domain.ids import OrganizationId
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.snapshot import FORMAT, packed, unpacked
from ports.outbound.knowledge import Changes, PassageLog, Snapshots

WORTH = 20
"""A snapshot is written again once what changed since is a twentieth of it; the rest is read as changes."""


@dataclass(frozen=True, slots=True)
class StoreIndex:
    """Write a snapshot, unless the one that is there does."""

    log: PassageLog
    snapshots: Snapshots

    async def __call__(self, organization: OrganizationId) -> bool:
        """Whether one was written. Raises `Unavailable`."""
        stored = await self.snapshots.described(organization, FORMAT)
        changes = await self.log.since(organization, stored[0] if stored else 0)
        if stored and changes.vectors.nbytes * WORTH < stored[1]:
            return False
        data = await self.snapshots.read(organization, FORMAT) if stored else None
        try:
            made = await asyncio.to_thread(_made, data[1] if data else None, changes)
        except DataFileError:  # a snapshot that cannot be read is made anew
            changes = await self.log.since(organization, 0)
            made = await asyncio.to_thread(_made, None, changes)
        await self.snapshots.write(organization, FORMAT, changes.version, made)
        return True


def _made(data: bytes | None, changes: Changes) -> bytes:
    if data is None:
        return packed(HybridIndex(changes.passages, changes.vectors))
    return packed(unpacked(data).changed(changes.gone, changes.passages, changes.vectors).compact())
