"""BM25 over passages.

`rank_bm25` gives the statistics; scores are computed once a posting (eager scoring, as in Lù, BM25S,
2024), so a query adds up the postings of its own terms instead of visiting every passage. Equal to
`BM25Okapi.get_scores` to 1e-9.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

K1 = 1.5
B = 0.75


class _Statistics(BM25Okapi):  # type: ignore[misc]  # the library has no types
    """The inverse document frequencies of rank_bm25, from counts that were made before."""

    def __init__(self, size: int, frequencies: Mapping[str, int]) -> None:
        self.corpus_size, self.epsilon = size, 0.25
        self.idf: dict[str, float] = {}
        self._calc_idf(frequencies)


class LexicalIndex:
    """An immutable BM25 index of passages given as term lists."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        self._columns: dict[str, int] = {}
        self._unseen = 0.0
        if any(documents):
            self._fit(documents)

    def _fit(self, documents: Sequence[Sequence[str]]) -> None:
        columns = self._columns
        terms = np.fromiter(
            (columns.setdefault(term, len(columns)) for document in documents for term in document), np.int64
        )
        lengths = np.array([len(document) for document in documents])
        keys = terms * self.size + np.repeat(np.arange(self.size), lengths)
        postings, frequency = np.unique(keys, return_counts=True)
        term, number = np.divmod(postings, self.size)
        counts = np.bincount(term, minlength=len(columns))
        idf = _Statistics(self.size, dict(zip(columns, counts.tolist(), strict=True))).idf
        weight = np.fromiter(idf.values(), np.float64)[term]
        shrink = K1 * (1 - B + B * lengths / (lengths.sum() / self.size))
        self._weights = weight * (frequency * (K1 + 1) / (frequency + shrink[number]))
        self._numbers = number.astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self._information = np.log(1 + (self.size - counts + 0.5) / (counts + 0.5)).tolist()
        self._unseen = math.log(1 + (self.size + 0.5) / 0.5)

    def scores(self, query: Sequence[str]) -> NDArray[np.float64]:
        """BM25 of every passage, shape (n,); repeated query terms count again."""
        places = [place for term in query if (place := self._columns.get(term)) is not None]
        if not places:
            return np.zeros(self.size)
        slices = [slice(self._starts[place], self._starts[place + 1]) for place in places]
        numbers = np.concatenate([self._numbers[one] for one in slices])
        weights = np.concatenate([self._weights[one] for one in slices])
        return np.asarray(np.bincount(numbers, weights, self.size), np.float64)

    def coverage(self, query: Sequence[str], held: frozenset[str]) -> float:
        """The share of the query's information (idf of distinct terms) that a passage's terms hold, 0..1."""
        weights = {term: self._information_of(term) for term in query}
        total = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0

    def _information_of(self, term: str) -> float:
        place = self._columns.get(term)
        return self._unseen if place is None else float(self._information[place])


def best(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The places of the `count` highest scores above 0, best first; equal ones in their order."""
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= max(least, np.nextafter(0, 1)))
    else:
        places = np.flatnonzero(scores > 0)
    return places[np.argsort(-scores[places], kind="stable")[:count]]
