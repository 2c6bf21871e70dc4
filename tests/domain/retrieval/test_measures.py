"""Measures of a ranking, on cases counted by hand."""

import math

import pytest

from domain.retrieval.measures import ndcg, recall

JUDGED = {"a": 2, "b": 1, "c": 0}


@pytest.mark.parametrize(
    ("ranked", "value"),
    [
        (["a", "b", "x"], 1.0),
        (["x", "a", "b"], (2 / math.log2(3) + 1 / 2) / (2 + 1 / math.log2(3))),
        (["c", "x"], 0.0),
        ([], 0.0),
    ],
)
def test_ndcg_rewards_early_and_better_ones(ranked: list[str], value: float) -> None:
    assert ndcg(ranked, JUDGED) == pytest.approx(value)


def test_only_the_first_places_count() -> None:
    late = [*"vwxyz", "a"]

    assert (ndcg(late, JUDGED, 5), recall(late, JUDGED, 5), recall(late, JUDGED, 6)) == (0.0, 0.0, 0.5)


def test_nothing_relevant_measures_nothing() -> None:
    assert (ndcg(["a"], {}), recall(["a"], {"a": 0}, 10)) == (0.0, 0.0)
