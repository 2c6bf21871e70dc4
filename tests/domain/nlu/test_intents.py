"""Which intent a message has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nlu.intents import IntentModel, energy, nearest_distance, softmax, standardised
from tests.builders import a_unit_vector

LOGITS = st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=8)
EAST, NORTH = a_unit_vector(1, 0), a_unit_vector(0, 1)


def a_model(*, temperature: float = 1.0, threshold: float = 2.0) -> IntentModel:
    """Two intents, east and north, each with three utterances pointing there."""
    return IntentModel(
        ("east", "north"),
        np.array([[5, 0], [0, 5]], np.float32),
        np.zeros(2, np.float32),
        np.array([EAST, EAST, EAST, NORTH, NORTH, NORTH]),
        temperature,
        (-5.0, 0.5),
        (0.1, 0.1),
        threshold,
    )


def test_the_nearest_intent_is_guessed_with_its_probability() -> None:
    guess = a_model().guess(a_unit_vector(0.2, 1))

    logits = 5 * a_unit_vector(0.2, 1)
    assert guess.name == "north"
    assert guess.confidence == pytest.approx(float(softmax(logits)[1]), abs=1e-4)


def test_the_bias_shifts_the_guess() -> None:
    model = a_model()
    towards_north = IntentModel(
        model.names,
        model.weights,
        np.array([0, 4], np.float32),
        model.utterances,
        model.temperature,
        model.energy,
        model.distance,
        model.threshold,
    )

    assert model.guess(a_unit_vector(1, 0.9)).name == "east"
    assert towards_north.guess(a_unit_vector(1, 0.9)).name == "north"


def test_a_familiar_message_is_known_and_a_strange_one_is_not() -> None:
    familiar = a_model().guess(EAST)
    strange = a_model().guess(a_unit_vector(-1, -1))

    assert (familiar.known, familiar.novelty <= 0) == (True, True)
    assert (strange.known, strange.novelty > 0) == (False, True)


def test_the_threshold_decides_what_is_unknown() -> None:
    between = a_unit_vector(1, 1)

    assert a_model(threshold=100.0).guess(between).known
    assert not a_model(threshold=-100.0).guess(between).known


def test_a_higher_temperature_is_less_sure_of_the_same_intent() -> None:
    cold, warm = a_model(temperature=0.5).guess(EAST), a_model(temperature=2.0).guess(EAST)

    assert cold.name == warm.name
    assert cold.confidence > warm.confidence


@given(LOGITS)
def test_softmax_gives_probabilities_that_keep_the_order(logits: list[float]) -> None:
    probabilities = softmax(np.array(logits, np.float32))

    assert float(probabilities.sum()) == pytest.approx(1, abs=1e-4)
    assert (probabilities >= 0).all()
    assert probabilities[int(np.argmax(logits))] == probabilities.max()


def test_softmax_works_on_the_last_axis() -> None:
    probabilities = softmax(np.array([[0, 0], [0, 100]], np.float32))

    assert probabilities.ravel().tolist() == pytest.approx([0.5, 0.5, 0, 1])


@given(LOGITS)
def test_energy_lies_just_below_minus_the_largest_logit(logits: list[float]) -> None:
    found = energy(np.array(logits, np.float32))

    top = max(logits)
    assert -top - np.log(len(logits)) - 1e-3 <= found <= -top + 1e-3


@pytest.mark.parametrize(
    ("similarities", "distance"),
    [([1.0], 0.0), ([1.0, 0.0], 0.5), ([0.9, 0.1, 0.8, 0.7, -1.0], 0.2), ([-1.0, -1.0, -1.0], 2.0)],
)
def test_distance_is_to_the_three_nearest(similarities: list[float], distance: float) -> None:
    assert nearest_distance(np.array(similarities, np.float32)) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize(
    ("of", "z"), [((1.0, 2.0), 1.0), ((3.0, 2.0), 0.0), ((1.0, 0.0), 2.0)], ids=["above", "mean", "no spread"]
)
def test_a_value_is_standardised_by_mean_and_deviation(of: tuple[float, float], z: float) -> None:
    assert standardised(3.0, of) == z
