"""Indexes of many tenants in this process, within a budget of memory; the least recently used go first."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from domain.errors import DataFileError
from domain.ids import OrganizationId
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.passages import Hit
from domain.retrieval.scope import Scope
from domain.retrieval.snapshot import FORMAT, unpacked
from ports.outbound.knowledge import Index, PassageLog, Snapshots

PATIENCE = 2.0
"""Seconds that a search waits for what changed, before an older index answers; edits take a tenth of it."""
LARGE = 20_000
"""Passages from which a search takes milliseconds, and so leaves the event loop."""


class Held(Struct, frozen=True):
    """An index with the knowledge version that it holds, and its size in bytes."""

    version: int
    index: HybridIndex
    nbytes: int


class MemoryIndex(Index):
    """Loads a tenant's snapshot and what changed since; a newer version is taken in beside the answers."""

    def __init__(
        self,
        log: PassageLog,
        snapshots: Snapshots,
        budget: int,
        patience: float = PATIENCE,
        large: int = LARGE,
    ) -> None:
        """`budget` is in bytes, `patience` in seconds, `large` in passages."""
        self._log, self._snapshots, self._budget = log, snapshots, budget
        self._patience, self._large = patience, large
        self._held: OrderedDict[OrganizationId, Held] = OrderedDict()
        self._coming: dict[OrganizationId, asyncio.Task[Held]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all indexes held."""
        return sum(held.nbytes for held in self._held.values())

    def version_of(self, organization: OrganizationId) -> int:
        """The version that is held of a tenant; 0 when none is."""
        held = self._held.get(organization)
        return held.version if held else 0

    async def search(
        self, organization: OrganizationId, version: int, queries: Sequence[Query], scope: Scope, count: int
    ) -> Sequence[tuple[Hit, ...]]:
        index = (await self.at(organization, version)).index

        def found() -> list[tuple[Hit, ...]]:
            return [index.search(query, scope, count) for query in queries]

        return await asyncio.to_thread(found) if len(index.passages) > self._large else found()

    async def at(self, organization: OrganizationId, version: int, *, newest: bool = False) -> Held:
        """The index of a tenant; the one before it if that takes longer than `patience`, unless `newest`."""
        held = self._held.get(organization)
        if held is not None:
            self._held.move_to_end(organization)
            if held.version >= version:
                return held
        task = self._coming.get(organization)
        if task is None:
            task = asyncio.create_task(self._take_in(organization, held))
            self._coming[organization] = task
            task.add_done_callback(lambda _: self._coming.pop(organization, None))
        if held is None or newest:
            return await asyncio.shield(task)
        await asyncio.wait({task}, timeout=self._patience)
        return task.result() if task.done() else held

    async def _take_in(self, organization: OrganizationId, held: Held | None) -> Held:
        if held is None:
            held = await self._stored(organization)
        changes = await self._log.since(organization, held.version if held else 0)
        if held is None:
            index = await asyncio.to_thread(HybridIndex, changes.passages, changes.vectors)
        else:
            index = await asyncio.to_thread(
                held.index.changed, changes.gone, changes.passages, changes.vectors
            )
            if index.crowded:
                index = await asyncio.to_thread(index.compact)
        self._held[organization] = made = Held(changes.version, index, index.nbytes)
        self._held.move_to_end(organization)
        while len(self._held) > 1 and self.nbytes > self._budget:
            self._held.popitem(last=False)
        return made

    async def _stored(self, organization: OrganizationId) -> Held | None:
        """The stored snapshot; None where there is none that can be read, so that all is read anew."""
        found = await self._snapshots.read(organization, FORMAT)
        if found is None:
            return None
        try:
            return Held(found[0], await asyncio.to_thread(unpacked, found[1]), 0)
        except DataFileError:
            return None
