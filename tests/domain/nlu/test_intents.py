"""Which intent a message has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nlu.intents import Guesser, Scale, energy, nearest, softmax
from tests.builders import a_unit_vector, an_intent_model

LOGITS = st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=8)
EAST, NORTH, BETWEEN = a_unit_vector(1, 0), a_unit_vector(0, 1), a_unit_vector(1, 1)


def test_the_nearest_intent_is_guessed_with_its_probability() -> None:
    guess = an_intent_model().guess("", a_unit_vector(0.2, 1))

    logits = 5 * a_unit_vector(0.2, 1)
    assert guess.name == "north"
    assert guess.confidence == pytest.approx(float(softmax(logits)[1]), abs=1e-4)


def test_wording_decides_where_meaning_does_not() -> None:
    model = an_intent_model(words=("alpha", "beta"), share=0.5)

    assert model.guess("Beta!", BETWEEN).name == "north"
    assert model.guess("alpha", BETWEEN).name == "east"
    assert model.guess("neither", BETWEEN).confidence == pytest.approx(0.5, abs=1e-3)


def test_wording_without_a_share_decides_nothing() -> None:
    assert an_intent_model(words=("alpha", "beta")).guess("beta", EAST).name == "east"


def test_a_familiar_message_is_known_and_a_strange_one_is_not() -> None:
    familiar = an_intent_model().guess("", EAST)
    strange = an_intent_model().guess("", a_unit_vector(-1, -1))

    assert (familiar.known, familiar.novelty <= 0) == (True, True)
    assert (strange.known, strange.novelty > 0) == (False, True)


def test_what_is_near_known_outliers_is_less_known() -> None:
    without, beside = (an_intent_model(outliers=outliers) for outliers in ((), (BETWEEN,)))

    assert beside.guess("", BETWEEN).novelty > without.guess("", BETWEEN).novelty


def test_the_threshold_decides_what_is_unknown() -> None:
    assert an_intent_model(threshold=100.0).guess("", BETWEEN).known
    assert not an_intent_model(threshold=-100.0).guess("", BETWEEN).known


def test_a_higher_temperature_is_less_sure_of_the_same_intent() -> None:
    cold, warm = (an_intent_model(temperature=t).guess("", EAST) for t in (0.5, 2.0))

    assert cold.name == warm.name
    assert cold.confidence > warm.confidence


def test_a_guess_is_remembered_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.nlu.intents.KEPT", 2)
    guesser = Guesser(an_intent_model())

    first = guesser.guess("a", EAST)

    assert guesser.guess("a", EAST) is first
    assert guesser.guess("b", NORTH).name == "north"
    guesser.guess("c", EAST)
    assert guesser.guess("a", EAST) is not first


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
    [found] = energy(np.array([logits], np.float32))

    top = max(logits)
    assert -top - np.log(len(logits)) - 1e-3 <= found <= -top + 1e-3


@pytest.mark.parametrize(
    ("similarities", "mean"),
    [
        ([1.0], 1.0),
        ([1.0, 0.0], 0.5),
        ([0.9, 0.1, 0.8, 0.7, -1.0], 0.8),
        ([-1.0, -1.0, -1.0], -1.0),
        ([], 0.0),
    ],
)
def test_the_three_nearest_count(similarities: list[float], mean: float) -> None:
    column = np.array(similarities, np.float32).reshape(-1, 1)

    assert nearest(column).tolist() == [pytest.approx(mean, abs=1e-6)]


@pytest.mark.parametrize(
    ("values", "z"), [([0.0, 2.0], 2.0), ([3.0, 3.0], 0.0), ([2.0, 2.0], 1.0)], ids=["spread", "mean", "none"]
)
def test_a_value_is_standardised_by_mean_and_deviation(values: list[float], z: float) -> None:
    assert Scale.of(np.array(values))(np.float32(3.0)) == z  # type: ignore[arg-type]  # a scalar will do
