"""Confidence against truth, and the thresholds that error budgets buy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calibration import brier, expected_calibration_error, reliability, wilson, within_budget

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([c for c, _ in pairs]), np.array([r for _, r in pairs], bool)


def test_a_confidence_that_means_what_it_says_has_no_error() -> None:
    said, right = np.repeat([0.25, 0.75], 4), np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)

    assert expected_calibration_error(said, right) == pytest.approx(0.0)
    assert expected_calibration_error(said, ~right) == pytest.approx(0.5)
    assert brier(said, right) == pytest.approx(0.1875)


@given(PAIRS)
def test_every_answer_is_in_one_bin(pairs: list[tuple[float, bool]]) -> None:
    said, right = arrays(pairs)

    bins = reliability(said, right)

    assert sum(one.count for one in bins) == len(pairs)
    assert all(one.low - 1e-9 <= one.confidence <= one.high + 1e-9 for one in bins)


@given(PAIRS, st.floats(0, 1))
def test_a_threshold_keeps_its_budget_and_no_lower_one_does(
    pairs: list[tuple[float, bool]], budget: float
) -> None:
    said, right = arrays(pairs)

    def risk(threshold: float) -> float:
        return (int(((said >= threshold) & ~right).sum()) + 1) / (len(pairs) + 1)

    found = within_budget(said, right, budget)

    if found.threshold <= 1:
        assert risk(found.threshold) <= budget
    assert all(risk(lower) > budget for lower in said if lower < found.threshold)
    assert found.coverage == pytest.approx(float((said >= found.threshold).mean()))
    assert found.coverage_low <= found.coverage <= found.coverage_high


def test_the_budget_holds_on_questions_that_come_later() -> None:
    """What conformal risk control promises: in expectation over draws, the loss of the next question."""
    random = np.random.default_rng(1)
    losses = []
    for _ in range(300):
        said = random.random(201)
        right = random.random(201) < said
        threshold = within_budget(said[:200], right[:200], 0.1).threshold
        losses.append(bool(said[200] >= threshold and not right[200]))

    assert np.mean(losses) <= 0.1 + 2 * np.sqrt(0.09 / 300)


def test_an_interval_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
