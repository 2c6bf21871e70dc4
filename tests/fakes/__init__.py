"""Hand-written twins of the adapters. The contract suites run on them and on the real ones."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from domain.ids import JobId, OrganizationId
from domain.nlu.text import terms
from domain.nlu.understanding import Language
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.passages import Hit
from domain.retrieval.scope import Scope
from ports.errors import Unavailable
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import Embedder, LanguageDetector
from ports.outbound.idempotency import Claim, Claimed, Idempotency, InFlight, Mismatch, Replay
from ports.outbound.jobs import Waker
from ports.outbound.knowledge import Index
from ports.outbound.traffic import Allowance, Traffic
from tests.builders import NOW

DIMENSIONS = 384


class FixedClock(Clock):
    """Stands still until it is told to move."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class CountingIds(Ids):
    """1, 2, 3, ..."""

    def __init__(self) -> None:
        self._last = 0

    def fresh(self) -> UUID:
        self._last += 1
        return UUID(int=self._last)


class BagOfWordsEmbedder(Embedder):
    """Unit vectors in which each stem adds to one hashed dimension: alike texts are near."""

    model = "bag of words"

    async def embed(self, text: str) -> NDArray[np.float32]:
        return self.vector(text)

    async def embed_all(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda _: None
    ) -> NDArray[np.float32]:
        progress(len(texts))
        return np.array([self.vector(text) for text in texts], np.float32).reshape(len(texts), DIMENSIONS)

    def vector(self, text: str) -> NDArray[np.float32]:
        vector = np.full(DIMENSIONS, 1e-3, np.float32)
        for term in terms(text):
            vector[hashlib.sha256(term.encode()).digest()[0] % 64] += 1
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


class EverythingEnglish(LanguageDetector):
    """Hears English only."""

    def detect(self, text: str) -> Language:
        return Language("en", 1.0)


class OneIndex(Index):
    """The same snapshot for every tenant and version."""

    def __init__(self, index: HybridIndex) -> None:
        self._index = index

    async def search(
        self, organization: OrganizationId, version: int, queries: Sequence[Query], scope: Scope, count: int
    ) -> Sequence[tuple[Hit, ...]]:
        return [self._index.search(query, scope, count) for query in queries]


class MemoryTraffic(Traffic):
    """Counts in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[tuple[str, int], int] = {}

    async def count(self, caller: str, limit: int) -> Allowance:
        window = int(self._clock.now().timestamp() // 60)
        used = self._used[caller, window] = self._used.get((caller, window), 0) + 1
        return Allowance(limit, max(0, limit - used), (window + 1) * 60, used <= limit)


class MemoryIdempotency(Idempotency):
    """Keys in a dictionary; leases by a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[OrganizationId, str], tuple[bytes, datetime, Replay | None]] = {}

    async def claim(
        self, organization: OrganizationId, key: str, fingerprint: bytes, lease: timedelta
    ) -> Claim:
        now = self._clock.now()
        known, until, answer = self._kept.get((organization, key), (fingerprint, now, None))
        if known != fingerprint:
            return Mismatch()
        if answer is not None:
            return answer
        if until > now:
            return InFlight()
        self._kept[organization, key] = fingerprint, now + lease, None
        return Claimed()

    async def keep(self, organization: OrganizationId, key: str, answer: Replay) -> None:
        fingerprint, until, _ = self._kept[organization, key]
        self._kept[organization, key] = fingerprint, until, answer

    async def release(self, organization: OrganizationId, key: str) -> None:
        if self._kept.get((organization, key), (b"", NOW, None))[2] is None:
            self._kept.pop((organization, key), None)


class Bell(Waker):
    """Remembers for whom it rang; can be broken."""

    def __init__(self) -> None:
        self.rang: list[JobId] = []
        self.broken = False

    async def wake(self, jobs: Sequence[JobId]) -> None:
        if self.broken:
            raise Unavailable("The bell is broken.")
        self.rang += jobs
