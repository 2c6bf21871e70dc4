"""Exact cosine search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.retrieval.vectors import VectorIndex
from tests.builders import a_unit_vector


def unit_rows(seed: int, count: int, dimensions: int = 8) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@given(seed=st.integers(0, 10_000), size=st.integers(1, 40), count=st.integers(1, 50))
def test_the_nearest_rows_are_found_best_first(seed: int, size: int, count: int) -> None:
    rows, query = unit_rows(seed, size), unit_rows(seed + 1, 1)[0]

    numbers, cosines = VectorIndex(rows).search(query, count)

    expected = np.sort(rows @ query)[::-1][:count]
    np.testing.assert_allclose(cosines, expected, atol=1e-5)
    np.testing.assert_allclose(rows[numbers] @ query, cosines, atol=1e-5)
    assert len(set(numbers.tolist())) == min(size, count)


def test_an_empty_index_finds_nothing() -> None:
    numbers, cosines = VectorIndex(np.empty((0, 8), np.float32)).search(unit_rows(1, 1)[0], 5)

    assert (len(numbers), len(cosines)) == (0, 0)


def test_a_rows_cosine_is_the_inner_product() -> None:
    index = VectorIndex(np.array([a_unit_vector(1, 0), a_unit_vector(1, 1), a_unit_vector(-1, 0)]))

    cosines = index.cosines(a_unit_vector(1, 0), np.array([2, 0, 1]))

    assert cosines.tolist() == pytest.approx([-1.0, 1.0, 0.7071], abs=1e-4)


def test_rows_that_are_not_contiguous_are_searched_alike() -> None:
    rows = unit_rows(3, 10)
    strided = np.asfortranarray(rows)

    numbers, _ = VectorIndex(strided).search(rows[4], 1)

    assert numbers.tolist() == [4]


@pytest.mark.parametrize(
    ("exact", "scanned"), [(100, 10_000), (100, 200)], ids=["quantised", "inverted file"]
)
def test_large_sets_are_searched_approximately_and_ranked_exactly(exact: int, scanned: int) -> None:
    centers = np.random.default_rng(1).normal(size=(20, 32))
    rows = np.repeat(centers, 40, axis=0) + np.random.default_rng(2).normal(scale=0.3, size=(800, 32))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    approximate, truth = VectorIndex(vectors, exact, scanned), VectorIndex(vectors)

    shared = 0
    for question in vectors[::40]:
        numbers, cosines = approximate.search(question, 10)
        expected, _ = truth.search(question, 10)
        shared += len(set(numbers.tolist()) & set(expected.tolist()))
        np.testing.assert_allclose(cosines, vectors[numbers] @ question, rtol=1e-5)
        assert (np.diff(cosines) <= 0).all()

    assert shared >= 0.9 * 20 * 10
