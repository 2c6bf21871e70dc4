"""Training the intent head, on clusters made for the purpose."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.nlu.intents import IntentModel
from domain.nlu.training import SHARES, TEMPERATURES, Corpus, _temperature, train

NAMES = ("reset", "billing", "flow", "report")
DIMENSIONS = 16
EACH = 20


def around(center: int, count: int, *, seed: int, spread: float = 0.12) -> NDArray[np.float32]:
    """Unit vectors around one axis."""
    noise = np.random.default_rng(seed).normal(scale=spread, size=(count, DIMENSIONS))
    rows = np.eye(DIMENSIONS)[center] + noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def trained(spread: float = 0.12, wording: str = "about") -> IntentModel:
    """`wording` may name the intent."""
    texts = [f"{wording.format(name)} {n}" for name in NAMES for n in range(EACH)]
    vectors = np.concatenate([around(n, EACH, seed=n, spread=spread) for n in range(len(NAMES))])
    return train(Corpus(NAMES, texts, vectors, np.repeat(np.arange(len(NAMES)), EACH), around(9, 5, seed=9)))


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return trained()


@pytest.mark.parametrize(("center", "name"), list(enumerate(NAMES)))
def test_unseen_messages_of_a_cluster_get_its_intent(model: IntentModel, center: int, name: str) -> None:
    guesses = [model.guess("", vector) for vector in around(center, 30, seed=100 + center)]

    assert {guess.name for guess in guesses} == {name}
    assert sum(guess.known for guess in guesses) >= 25
    assert min(guess.confidence for guess in guesses) > 0.7


def test_a_far_message_is_unknown(model: IntentModel) -> None:
    guesses = [
        model.guess("", vector) for center in (8, 12, 15) for vector in around(center, 10, seed=center)
    ]

    assert not any(guess.known for guess in guesses)
    assert all(guess.novelty > 0 for guess in guesses)


def test_confidence_is_a_probability_also_for_nonsense(model: IntentModel) -> None:
    nonsense = np.random.default_rng(5).normal(size=(50, DIMENSIONS)).astype(np.float32)

    guesses = [model.guess("", vector / np.linalg.norm(vector)) for vector in nonsense]

    assert all(1 / len(NAMES) <= guess.confidence <= 1 for guess in guesses)


def test_training_twice_gives_the_same_model() -> None:
    one, other = trained(), trained()

    for here, there in ((one.meaning, other.meaning), (one.wording, other.wording)):
        np.testing.assert_array_equal(here.weights, there.weights)
        np.testing.assert_array_equal(here.bias, there.bias)
        assert here.temperature == there.temperature
    assert (one.share, one.temperature) == (other.share, other.temperature)
    assert one.novelty.threshold == other.novelty.threshold


def test_a_model_has_a_row_an_intent_and_a_calibrated_temperature(model: IntentModel) -> None:
    assert model.names == NAMES
    assert model.meaning.weights.shape == (DIMENSIONS, len(NAMES))
    assert model.wording.weights.shape == (len(model.vocabulary.columns), len(NAMES))
    assert model.novelty.utterances.shape == (len(NAMES) * EACH, DIMENSIONS)
    assert (model.temperature in TEMPERATURES, model.share in SHARES) == (True, True)


def test_wording_that_tells_intents_apart_gets_a_share() -> None:
    blurred = trained(spread=0.6, wording="about {}")

    assert blurred.share > 0
    guesses = [blurred.guess(f"about {name} 99", np.zeros(DIMENSIONS, np.float32)).name for name in NAMES]
    assert guesses == list(NAMES)


def test_confidence_is_about_how_often_the_guess_is_right() -> None:
    blurred = trained(spread=0.45)
    guesses = [
        (blurred.guess("", vector), name)
        for center, name in enumerate(NAMES)
        for vector in around(center, 200, seed=200 + center, spread=0.45)
    ]

    right = sum(guess.name == name for guess, name in guesses) / len(guesses)
    sure = sum(guess.confidence for guess, _ in guesses) / len(guesses)

    assert 0.5 < right < 0.98, "the clusters overlap, or there is nothing to calibrate"
    assert abs(sure - right) < 0.1


@pytest.mark.parametrize(
    ("margin", "wrong", "temperature"),
    [(8.0, 30, max(TEMPERATURES)), (1.0, 0, min(TEMPERATURES))],
    ids=["sure and often wrong", "unsure and always right"],
)
def test_logits_are_cooled_when_too_sure_and_heated_when_too_modest(
    margin: float, wrong: int, temperature: float
) -> None:
    labels = np.array([0, 1] * 50)
    logits = np.array([[margin, 0] if label == 0 else [0, margin] for label in labels], np.float32)
    logits[:wrong] = logits[:wrong, ::-1]

    assert _temperature(logits, labels) == temperature


def test_about_one_in_twenty_familiar_messages_is_refused() -> None:
    blurred = trained(spread=0.3)

    unseen = [
        blurred.guess("", v) for n in range(len(NAMES)) for v in around(n, 100, seed=300 + n, spread=0.3)
    ]

    assert sum(not guess.known for guess in unseen) / len(unseen) < 0.2
