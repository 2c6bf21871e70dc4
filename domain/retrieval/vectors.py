"""Cosine search over unit vectors (FAISS): exact for small sets, quantised and then exact for large ones.

Above `EXACT` rows candidates come from 8-bit scalar quantisation, a scan of a quarter of the bytes (recall
0.993 at 70,000 rows, half the time); above `SCANNED` rows from an inverted file over them, which scans
the nearest fifth of the cells (Jegou, Douze and Schmid, TPAMI 2011). Candidates are ranked by their exact
cosines.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

faiss.omp_set_num_threads(1)

EXACT = 20_000
SCANNED = 50_000
PROBED = 0.2
"""Share of the cells that a search of an inverted file scans."""
OVERSAMPLED = 4
"""Candidates a row wanted, where they are approximate."""
FEW = 4_000
"""Admitted rows up to which each is looked at, whatever the size of the index."""

Rows = NDArray[np.float32]


class VectorIndex:
    """An immutable index of unit row vectors, shape (n, d)."""

    def __init__(
        self,
        vectors: Rows,
        exact: int = EXACT,
        scanned: int = SCANNED,
        index: faiss.Index | None = None,
    ) -> None:
        """With `index` made of these very rows, it is not made again."""
        self._limits = (exact, scanned)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        held: Any = index or _made(self._vectors, exact, scanned)
        self._index = held
        self.size = len(vectors)
        self._exact = isinstance(self._index, faiss.IndexFlatIP)
        if self._exact and self.size:  # an exact index holds the rows itself, so they are looked at there
            floats = faiss.rev_swig_ptr(held.get_xb(), self.size * held.d)
            self._vectors = floats.reshape(self.size, held.d)

    @property
    def rows(self) -> Rows:
        """The vectors, (n, d); copied from an exact index, whose memory goes with it."""
        return self._vectors.copy() if self._exact else self._vectors

    @property
    def codes(self) -> bytes:
        """The quantised index as bytes; empty for an exact one, which is made in no time."""
        return b"" if self._exact else faiss.serialize_index(self._index).tobytes()

    @classmethod
    def stored(cls, vectors: Rows, codes: bytes) -> "VectorIndex":
        """The index of rows with the codes that were made of them. Raises `ValueError` if they were not."""
        if not codes:
            return cls(vectors)
        try:
            index = faiss.deserialize_index(np.frombuffer(codes, np.uint8))
        except RuntimeError as error:
            raise ValueError(f"no codes: {error}") from error
        if index.ntotal != len(vectors) or index.d != vectors.shape[1]:
            raise ValueError("the codes are of other rows")
        return cls(vectors, index=index)

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors and, where there are any, of their codes."""
        return self._vectors.nbytes + (0 if self._exact else self._vectors.nbytes // 4)

    def changed(self, vectors: Rows) -> "VectorIndex":
        """An index with more rows at the end; built anew where its size asks for another kind."""
        if not len(vectors):
            return self
        together = np.concatenate([self._vectors, vectors]) if self.size else vectors
        if not self.size or _kind(len(together), *self._limits) != _kind(self.size, *self._limits):
            return VectorIndex(together, *self._limits)
        index = faiss.clone_index(self._index)
        index.add(np.ascontiguousarray(vectors, np.float32))
        return VectorIndex(together, *self._limits, index)

    def search(
        self, vector: NDArray[np.float32], count: int, admitted: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `count` nearest rows and their cosines, best first; fewer when there are fewer.

        Of `admitted` rows (n,) only, if given: looked up one by one while they are few.
        """
        if not self.size:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if admitted is not None and (few := np.flatnonzero(admitted)).size <= FEW:
            return self._ranked(vector, few, count)
        wanted = min(count if self._exact else count * OVERSAMPLED, self.size)
        _, [numbers] = self._index.search(vector[None, :], wanted, params=self._parameters(admitted))
        return self._ranked(vector, numbers[numbers >= 0], count)

    def cosines(self, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of some rows, in their order."""
        return np.asarray(self._vectors[numbers] @ vector, np.float32)

    def _ranked(
        self, vector: NDArray[np.float32], numbers: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        cosines = self.cosines(vector, numbers)
        order = np.argsort(-cosines, kind="stable")[:count]
        return numbers[order], cosines[order]

    def _parameters(self, admitted: NDArray[np.bool_] | None) -> Any:  # noqa: ANN401  # the library has no types for it
        if admitted is None:
            return None
        library: Any = faiss  # its stubs do not know selectors
        selector = library.IDSelectorBitmap(np.packbits(admitted, bitorder="little"))
        if isinstance(self._index, faiss.IndexIVF):
            return library.SearchParametersIVF(sel=selector, nprobe=self._index.nprobe)
        return library.SearchParameters(sel=selector)


def _kind(size: int, exact: int, scanned: int) -> int:
    return (size > exact) + (size > scanned)


def _made(rows: Rows, exact: int, scanned: int) -> faiss.Index:
    index = _empty(rows.shape[1], len(rows), exact, scanned)
    if len(rows):
        index.train(rows)
        index.add(rows)
    return index


def _empty(dimensions: int, size: int, exact: int, scanned: int) -> faiss.Index:
    inner, codes = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_8bit
    kind = _kind(size, exact, scanned)
    if kind == 0:
        return faiss.IndexFlatIP(dimensions)
    if kind == 1:
        return faiss.IndexScalarQuantizer(dimensions, codes, inner)
    cells = round(4 * size**0.5)
    cosine = faiss.IndexFlatIP(dimensions)
    inverted = faiss.IndexIVFScalarQuantizer(cosine, dimensions, cells, codes, inner)
    inverted.cp.niter = 10
    inverted.nprobe = max(1, round(cells * PROBED))
    return inverted
