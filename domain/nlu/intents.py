"""Which intent a message has, from its embedding: a calibrated linear head, with unknown as an answer.

Unknown is judged by the energy of the head's logits (Liu et al., Energy-based Out-of-distribution Detection,
NeurIPS 2020) and the distance to the three nearest training utterances, each standardised on held-out
training utterances; softmax alone is a poor detector.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

ACT_ABOVE = 0.7
"""Calibrated confidence from which an intent may be acted on without asking (the customer's threshold)."""
NEIGHBOURS = 3


class Intent(Struct, frozen=True):
    """One thing customers want, as the taxonomy describes it."""

    name: str
    family: str
    description: str
    response_type: str
    issue_type: str
    clarify: str
    utterances: tuple[str, ...]


class IntentGuess(Struct, frozen=True):
    """The best intent, or `known=False`.

    `confidence` in 0..1 is calibrated; `novelty` above 0 means unknown.
    """

    name: str
    confidence: float
    known: bool
    novelty: float


class IntentModel(Struct, frozen=True):
    """A trained head over d-dimensional unit vectors.

    weights (k, d), bias (k,), utterances (n, d) unit rows; `energy` and `distance` are (mean, standard
    deviation) on held-out utterances; `threshold` is the novelty at which 5% of them would be refused.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    utterances: NDArray[np.float32]
    temperature: float
    energy: tuple[float, float]
    distance: tuple[float, float]
    threshold: float

    def guess(self, vector: NDArray[np.float32]) -> IntentGuess:
        """Classify one unit vector of shape (d,)."""
        logits = self.weights @ vector + self.bias
        best = int(np.argmax(logits))
        probabilities = softmax(logits / self.temperature)
        novelty = self.novelty(logits, vector) - self.threshold
        return IntentGuess(
            self.names[best],
            round(float(probabilities[best]), 4),
            bool(novelty <= 0),
            round(float(novelty), 3),
        )

    def novelty(self, logits: NDArray[np.float32], vector: NDArray[np.float32]) -> float:
        """How unlike the training utterances it is: standardised energy plus standardised distance."""
        return standardised(energy(logits), self.energy) + standardised(
            nearest_distance(self.utterances @ vector), self.distance
        )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)


def energy(logits: NDArray[np.float32]) -> float:
    """Minus log-sum-exp of the logits: low for familiar input."""
    top = float(logits.max())
    return -(top + float(np.log(np.exp(logits - top).sum())))


def nearest_distance(similarities: NDArray[np.float32]) -> float:
    """One minus the mean cosine of the nearest neighbours."""
    count = min(NEIGHBOURS, similarities.shape[0])
    return 1.0 - float(np.partition(similarities, -count)[-count:].mean())


def standardised(value: float, of: tuple[float, float]) -> float:
    """The z-score of a value under (mean, standard deviation)."""
    return (value - of[0]) / (of[1] or 1.0)
