"""BM25 over passages.

`rank_bm25` gives the statistics; scores are computed once a posting (eager scoring, as in Lù, BM25S,
2024), so a query adds up the postings of its own terms instead of visiting every passage. Equal to
`BM25Okapi.get_scores` over the living passages to 1e-9. An index is never changed: `changed` makes another
one, in which rows keep their numbers, dead ones count for nothing, and new ones come last.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from domain.nlu.text import KEPT_WHOLE

K1 = 1.5
B = 0.75
MOST = 65_535
"""Times that a term counts in one passage."""

Numbers = NDArray[np.int64]


class _Statistics(BM25Okapi):  # type: ignore[misc]  # the library has no types
    """The inverse document frequencies of rank_bm25, from counts that were made before."""

    def __init__(self, size: int, frequencies: Mapping[str, int]) -> None:
        self.corpus_size, self.epsilon = size, 0.25
        self.idf: dict[str, float] = {}
        self._calc_idf(frequencies)


class Postings(Struct, frozen=True):
    """Which terms which rows hold.

    `terms` are numbered in their order; postings are ordered by term, from `starts` (terms + 1,) on: row
    numbers (p,) and frequencies (p,). `lengths` (rows,) counts terms; `alive` (rows,) says which rows count.
    """

    terms: tuple[str, ...]
    starts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    frequencies: NDArray[np.uint16]
    lengths: NDArray[np.int64]
    alive: NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, and about those of the terms."""
        arrays = (self.starts, self.numbers, self.frequencies, self.lengths, self.alive)
        return sum(one.nbytes for one in arrays) + 100 * len(self.terms)

    def changed(self, dead: Numbers, documents: Sequence[Sequence[str]]) -> "Postings":
        """Without these rows, and with more documents at the end."""
        columns = {term: place for place, term in enumerate(self.terms)}
        lengths, numbers, frequencies, terms = _counted(documents, columns)
        new = len(columns) - len(self.terms)
        places = np.concatenate([self.starts[1:], np.full(new, len(self.numbers))])[terms]
        counts = np.concatenate([np.diff(self.starts), np.zeros(new, np.int64)])
        counts += np.bincount(terms, minlength=len(columns))
        alive = np.concatenate([self.alive, np.ones(len(documents), bool)])
        lengths = np.concatenate([self.lengths, lengths])
        alive[dead], lengths[dead] = False, 0
        return Postings(
            tuple(columns),
            _starts(counts),
            np.insert(self.numbers, places, numbers + len(self.lengths)),
            np.insert(self.frequencies, places, frequencies),
            lengths,
            alive,
        )


def postings(documents: Sequence[Sequence[str]]) -> Postings:
    """Of documents as term lists."""
    columns: dict[str, int] = {}
    lengths, numbers, frequencies, terms = _counted(documents, columns)
    counts = np.bincount(terms, minlength=len(columns))
    alive = np.ones(len(documents), bool)
    return Postings(tuple(columns), _starts(counts), numbers.astype(np.int32), frequencies, lengths, alive)


class LexicalIndex:
    """An immutable BM25 index of passages, given as term lists or as postings."""

    def __init__(self, documents: Sequence[Sequence[str]] | Postings) -> None:
        self.postings = documents if isinstance(documents, Postings) else postings(documents)
        self._columns = {term: place for place, term in enumerate(self.postings.terms)}
        self._bounds: list[int] = self.postings.starts.tolist()
        self._size = len(self.postings.lengths)
        self._weigh()

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.postings.nbytes + self._weights.nbytes + 100 * len(self._columns)

    def changed(self, dead: Numbers, documents: Sequence[Sequence[str]]) -> "LexicalIndex":
        """An index without these rows, and with more documents at the end."""
        return LexicalIndex(self.postings.changed(dead, documents))

    @property
    def common(self) -> list[str]:
        """The terms that at least two rows hold, dead ones too."""
        counts = np.diff(self.postings.starts)
        return [self.postings.terms[place] for place in np.flatnonzero(counts > 1).tolist()]

    def knows(self, term: str) -> bool:
        """Whether a term is in any row."""
        return term in self._columns

    def scores(self, query: Sequence[str]) -> NDArray[np.float64]:
        """BM25 of every row, shape (n,); repeated query terms count again."""
        places = [place for term in query if (place := self._columns.get(term)) is not None]
        if not places:
            return np.zeros(self._size)
        slices = [slice(self._bounds[place], self._bounds[place + 1]) for place in places]
        numbers = np.concatenate([self.postings.numbers[one] for one in slices])
        weights = np.concatenate([self._weights[one] for one in slices])
        return np.asarray(np.bincount(numbers, weights, self._size), np.float64)

    def coverage(self, query: Sequence[str], held: frozenset[str]) -> float:
        """As `covered`, by what these passages tell about the terms."""
        return covered({term: self._information_of(term) for term in query}, query, held)

    def _information_of(self, term: str) -> float:
        place = self._columns.get(term)
        return self._unseen if place is None else float(self._information[place])

    def _weigh(self) -> None:
        """Score every posting of the living rows; those of dead ones are worth nothing."""
        held, size = self.postings, int(self.postings.alive.sum())
        term = np.repeat(np.arange(len(held.terms)), np.diff(held.starts))
        living = held.alive[held.numbers]
        counts = np.bincount(term[living], minlength=len(held.terms))
        seen = {name: count for name, count in zip(held.terms, counts.tolist(), strict=True) if count}
        self._information = [information(size, count) for count in counts.tolist()]
        self._unseen = information(size, 0)
        self._weights = np.zeros(len(held.numbers))
        if not seen:
            return
        idf = _Statistics(size, seen).idf
        weight = np.fromiter((idf.get(name, 0.0) for name in held.terms), np.float64)[term]
        shrink = K1 * (1 - B + B * held.lengths / (held.lengths.sum() / size))
        frequency = held.frequencies.astype(np.float64)
        self._weights = weight * (frequency * (K1 + 1) / (frequency + shrink[held.numbers])) * living


def information(size: int, count: int) -> float:
    """How much a term tells that `count` of `size` passages hold: inverse document frequency, above 0."""
    return math.log(1 + (size - count + 0.5) / (count + 0.5))


def covered(weights: Mapping[str, float], query: Sequence[str], held: frozenset[str]) -> float:
    """The share of the query's information (of distinct terms) that a passage's terms hold, 0..1.

    Identifiers count by their parts.
    """
    parts = [term for term in dict.fromkeys(query) if not term.startswith(KEPT_WHOLE)]
    total = sum(weights[term] for term in parts)
    return sum(weights[term] for term in parts if term in held) / total if total else 0.0


def best(
    scores: NDArray[np.float64], count: int, admitted: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """The places of the `count` highest scores above 0, best first; equal ones in their order."""
    if admitted is not None:
        scores = scores * admitted
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= max(least, np.nextafter(0, 1)))
    else:
        places = np.flatnonzero(scores > 0)
    return places[np.argsort(-scores[places], kind="stable")[:count]]


def _counted(
    documents: Sequence[Sequence[str]], columns: dict[str, int]
) -> tuple[Numbers, Numbers, NDArray[np.uint16], Numbers]:
    """Lengths of the documents; rows, frequencies and terms of their postings, by term; grows `columns`."""
    terms = np.fromiter(
        (columns.setdefault(term, len(columns)) for document in documents for term in document), np.int64
    )
    lengths = np.array([len(document) for document in documents], np.int64)
    rows = max(1, len(documents))
    keys = terms * rows + np.repeat(np.arange(len(documents)), lengths)
    found, frequencies = np.unique(keys, return_counts=True)
    term, number = np.divmod(found, rows)
    return lengths, number, np.minimum(frequencies, MOST).astype(np.uint16), term


def _starts(counts: Numbers) -> Numbers:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
