"""Words and pieces of words as features, for messages whose wording says more than their meaning.

Term frequencies are damped (1 + log tf), weighted by inverse document frequency and scaled to unit length,
separately for words (one and two in a row) and for pieces of 2 to 4 characters within words (Salton and
Buckley, Term-weighting approaches in automatic text retrieval, 1988).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

WORD = re.compile(r"\w\w+")
PIECES = (2, 3, 4)


class Vocabulary(Struct, frozen=True):
    """Columns and inverse document frequencies of the features that training met."""

    columns: Mapping[str, int]
    idf: NDArray[np.float32]

    def features(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Columns and values of a text; both parts have unit length, so the whole has sqrt(2)."""
        columns: list[int] = []
        values: list[float] = []
        for counts in (Counter(words(text)), Counter(pieces(text))):
            part = [
                (column, (1 + math.log(count)) * float(self.idf[column]))
                for gram, count in counts.items()
                if (column := self.columns.get(gram)) is not None
            ]
            length = math.sqrt(math.fsum(value * value for _, value in part)) or 1.0
            columns += [column for column, _ in part]
            values += [value / length for _, value in part]
        return np.array(columns, np.int64), np.array(values, np.float32)


def words(text: str) -> Iterator[str]:
    """Words of two or more letters, and each two in a row, in lower case."""
    found = WORD.findall(text.lower())
    yield from found
    for one, other in pairwise(found):
        yield f"{one} {other}"


def pieces(text: str) -> Iterator[str]:
    """Pieces of 2 to 4 characters of each word with a space on either side; marked apart from words."""
    for word in text.lower().split():
        padded = f" {word} "
        for size in PIECES:
            for start in range(max(1, len(padded) - size + 1)):
                yield "\t" + padded[start : start + size]
            if size >= len(padded):
                break


def vocabulary(texts: Sequence[str], least: int = 1) -> Vocabulary:
    """The features of at least `least` texts, most frequent first; inverse document frequency is smoothed."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update({*words(text), *pieces(text)})
    ordered = sorted((gram for gram in seen if seen[gram] >= least), key=lambda gram: (-seen[gram], gram))
    idf = [math.log((1 + len(texts)) / (1 + seen[gram])) + 1 for gram in ordered]
    return Vocabulary({gram: column for column, gram in enumerate(ordered)}, np.array(idf, np.float32))
