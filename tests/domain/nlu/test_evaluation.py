"""The measures of an intent model."""

import numpy as np
import pytest

from domain.calibration import expected_calibration_error
from domain.nlu.evaluation import evaluate
from domain.nlu.intents import IntentGuess


def a_guess(name: str, confidence: float, novelty: float) -> IntentGuess:
    return IntentGuess(name, confidence, novelty <= 0, novelty)


def test_accuracy_and_what_is_refused_and_caught() -> None:
    guesses = [a_guess("a", 0.95, -2), a_guess("b", 0.95, -1), a_guess("a", 0.95, 1), a_guess("a", 0.95, 2)]

    found = evaluate(guesses, ["a", "a", "a", None])

    assert (found.messages, found.unknown_messages) == (3, 1)
    assert (found.accuracy, found.refused, found.caught) == (66.67, 33.33, 100.0)
    assert found.unknown_recall == {"3%": 100.0, "5%": 100.0}
    assert found.ece == pytest.approx(95 - 66.67, abs=0.01)


def test_without_out_of_scope_messages_nothing_is_said_of_them() -> None:
    assert evaluate([a_guess("a", 1.0, -1)], ["a"]).unknown_recall == {}


def test_confidence_that_is_right_as_often_as_it_says_has_no_error() -> None:
    confidence, right = np.full(10, 0.7), np.array([True] * 7 + [False] * 3)

    assert expected_calibration_error(confidence, right) == pytest.approx(0.0)
    assert expected_calibration_error(confidence, ~right) == pytest.approx(0.4)
