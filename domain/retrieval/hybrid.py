"""Fusing BM25 and vectors: a min-max weighted sum over the union of both candidate lists.

On public sets this beat reciprocal rank fusion (nDCG@10 72.9 to 71.7 on SciFact, 58.0 to 55.9 on CACM).
"""

from collections.abc import Collection, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.ids import ArticleId
from domain.nlu.text import KEPT_WHOLE, terms, vocabulary
from domain.retrieval.asked import Spelling
from domain.retrieval.lexical import LexicalIndex, best
from domain.retrieval.passages import Hit, Passage
from domain.retrieval.scope import Reaches, Scope
from domain.retrieval.vectors import VectorIndex

CANDIDATES = 50
"""Best passages taken from each side before fusion."""
LEXICAL_WEIGHT = 0.5
CROWDED = 0.3
"""Share of dead rows from which an index is better built anew."""

Vector = NDArray[np.float32]
Places = NDArray[np.int64]


class Query(Struct, frozen=True):
    """A question with its unit embedding (d,)."""

    text: str
    vector: Vector


class HybridIndex:
    """An immutable snapshot of one tenant's passages, searchable by words and by meaning.

    Rows of articles that were changed or removed stay, dead, until the index is built anew.
    """

    def __init__(
        self,
        found: Sequence[Passage],
        vectors: Vector | VectorIndex,
        lexical: LexicalIndex | None = None,
    ) -> None:
        """With `lexical` of these very passages, it is not made again."""
        self.passages = tuple(found)
        self.vectors = vectors if isinstance(vectors, VectorIndex) else VectorIndex(vectors)
        self.lexical = lexical or LexicalIndex([terms(passage.indexed) for passage in found])
        alive = self.lexical.postings.alive
        self._living = None if alive.all() else alive
        self._openings: dict[ArticleId, int] = {}
        for number in np.flatnonzero(alive)[::-1].tolist():
            self._openings[self.passages[number].article] = number
        self._spelling = Spelling(self.lexical.common)
        self._reaches = Reaches([passage.labels for passage in self.passages])

    def __len__(self) -> int:
        """Passages that can be found."""
        return int(self.lexical.postings.alive.sum())

    @property
    def crowded(self) -> bool:
        """Whether too many rows are dead."""
        return len(self) < (1 - CROWDED) * len(self.passages)

    @property
    def nbytes(self) -> int:
        """Bytes in memory, the passages by their text."""
        held = sum(len(passage.body) + 400 for passage in self.passages)
        return self.lexical.nbytes + self.vectors.nbytes + held

    def changed(
        self, gone: Collection[ArticleId], found: Sequence[Passage], vectors: Vector
    ) -> "HybridIndex":
        """An index without the passages of these articles, and with these passages and their vectors."""
        gone = frozenset(gone)
        dead = np.array([n for n, passage in enumerate(self.passages) if passage.article in gone], np.int64)
        return HybridIndex(
            (*self.passages, *found),
            self.vectors.changed(vectors),
            self.lexical.changed(dead, [terms(passage.indexed) for passage in found]),
        )

    def compact(self) -> "HybridIndex":
        """The same index without dead rows."""
        living = np.flatnonzero(self.lexical.postings.alive)
        return HybridIndex([self.passages[n] for n in living.tolist()], self.vectors.rows[living])

    def search(self, query: Query, scope: Scope, count: int = 5) -> tuple[Hit, ...]:
        """The `count` best admitted passages, best first.

        The opening of the best passage's article comes along, last, when it is not among them.
        """
        admitted = self._admitted(scope)
        asked = self.asked(query.text)
        bm25 = self.lexical.scores(asked)
        found, fused = self._fused(bm25, query.vector, CANDIDATES, admitted)
        if not found.size:
            return ()
        score = dict(zip(found[:count].tolist(), fused[:count].tolist(), strict=True))
        opening = self._openings[self.passages[found[0]].article]
        numbers = list(dict.fromkeys([*score, opening]))
        cosine = self.vectors.cosines(query.vector, np.array(numbers)).tolist()
        return tuple(
            Hit(
                self.passages[number],
                round(score.get(number, 0.0), 4),
                round(float(bm25[number]), 4),
                round(meaning, 4),
                round(self.lexical.coverage(asked, vocabulary(self.passages[number].indexed)), 4),
            )
            for number, meaning in zip(numbers, cosine, strict=True)
        )

    def asked(self, text: str) -> list[str]:
        """The terms of a question, misspelt ones as those that are meant."""
        return [
            term if self.lexical.knows(term) or (meant := self._spelling.meant(term)) is None else meant
            for term in query_terms(text)
        ]

    def by_words(self, text: str, count: int) -> Places:
        """The places of the `count` best passages by BM25, whoever they are for."""
        return best(self.lexical.scores(self.asked(text)), count)

    def by_meaning(self, vector: Vector, count: int) -> Places:
        """The places of the `count` nearest passages, whoever they are for."""
        return self.vectors.search(vector, count, self._living)[0]

    def by_both(self, query: Query, count: int) -> Places:
        """The places of the `count` best passages, whoever they are for."""
        bm25 = self.lexical.scores(self.asked(query.text))
        return self._fused(bm25, query.vector, max(count, CANDIDATES), self._living)[0][:count]

    def _admitted(self, scope: Scope) -> NDArray[np.bool_] | None:
        mask = self._reaches.mask(scope)
        if mask is None or self._living is None:
            return self._living if mask is None else mask
        return np.asarray(mask & self._living, bool)

    def _fused(
        self, bm25: NDArray[np.float64], vector: Vector, candidates: int, admitted: NDArray[np.bool_] | None
    ) -> tuple[Places, Vector]:
        """The places of the candidates of both sides with their fused scores, best first."""
        near = self.vectors.search(vector, candidates, admitted)[0]
        union = np.union1d(best(bm25, candidates, admitted), near)
        if not union.size:
            return union, np.empty(0, np.float32)
        fused = fuse(bm25[union], self.vectors.cosines(vector, union))
        order = np.argsort(-fused, kind="stable")
        return union[order], fused[order]


def query_terms(text: str) -> list[str]:
    """The terms of a question; identifiers kept whole count twice: who pastes one means that very one."""
    found = terms(text)
    return [*found, *(term for term in found if term.startswith(KEPT_WHOLE))]


def fuse(bm25: NDArray[np.float64], cosines: Vector) -> Vector:
    """The weighted sum of both scores, each spread over 0..1 among the candidates."""
    by_words = _min_max(bm25.astype(np.float32))
    return LEXICAL_WEIGHT * by_words + (1 - LEXICAL_WEIGHT) * _min_max(cosines)


def _min_max(values: Vector) -> Vector:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 1.0 if high > 0 else 0.0, np.float32)
    return (values - low) / np.float32(high - low)
