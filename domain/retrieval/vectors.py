"""Exact cosine search over unit vectors (FAISS, flat inner product)."""

import faiss
import numpy as np
from numpy.typing import NDArray

faiss.omp_set_num_threads(1)


class VectorIndex:
    """An immutable index of unit row vectors, shape (n, d)."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.size = len(vectors)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self._index = faiss.IndexFlatIP(vectors.shape[1] if self.size else 1)
        if self.size:
            self._index.add(self._vectors)

    def search(
        self, vector: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `count` nearest rows and their cosines, best first; fewer when the index is smaller."""
        if not self.size:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        cosines, numbers = self._index.search(vector[None, :], min(count, self.size))
        return numbers[0], cosines[0]

    def cosines(self, vector: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of some rows, in their order."""
        return np.asarray(self._vectors[numbers] @ vector, np.float32)
