"""BM25 over passages.

`rank_bm25` gives the statistics; scores are precomputed per posting (eager scoring, as in
Lù, BM25S, 2024), so a query adds up short arrays instead of visiting every passage. Equal to
`BM25Okapi.get_scores` to rounding.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

K1 = 1.5
B = 0.75


class LexicalIndex:
    """An immutable BM25 index of passages given as term lists."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        self._idf: dict[str, float] = {}
        self._postings: dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]] = {}
        self._unseen = 0.0
        if any(documents):
            self._fit(BM25Okapi([list(document) for document in documents], k1=K1, b=B))

    def _fit(self, okapi: BM25Okapi) -> None:
        lengths = K1 * (1 - B + B * np.asarray(okapi.doc_len) / okapi.avgdl)
        gathered: dict[str, tuple[list[int], list[float]]] = {}
        for number, frequencies in enumerate(okapi.doc_freqs):
            for term, frequency in frequencies.items():
                numbers, weights = gathered.setdefault(term, ([], []))
                numbers.append(number)
                weights.append(okapi.idf[term] * frequency * (K1 + 1) / (frequency + lengths[number]))
        for term, (numbers, weights) in gathered.items():
            self._postings[term] = np.array(numbers, np.int32), np.array(weights, np.float32)
            rarity = (self.size - len(numbers) + 0.5) / (len(numbers) + 0.5)
            self._idf[term] = math.log(1 + rarity)
        self._unseen = math.log(1 + (self.size + 0.5) / 0.5)

    def scores(self, query: Sequence[str]) -> NDArray[np.float64]:
        """BM25 of every passage, shape (n,); repeated query terms count again."""
        postings = [self._postings[term] for term in query if term in self._postings]
        if not postings:
            return np.zeros(self.size)
        numbers, weights = (np.concatenate(parts) for parts in zip(*postings, strict=True))
        return np.asarray(np.bincount(numbers, weights, self.size), np.float64)

    def coverage(self, query: Sequence[str], held: frozenset[str]) -> float:
        """The share of the query's information (idf of distinct terms) that a passage's terms hold, 0..1."""
        weights = {term: self._idf.get(term, self._unseen) for term in query}
        total = sum(weights.values())
        return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0
