"""Which intent a message has: one linear head over its embedding and one over its wording, fused.

The fusion adds the logarithms of both probabilities with fixed shares; temperatures and shares are fitted on
held-out training utterances (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).

Unknown is a result of its own. It is judged by the energy of the embedding head's logits (Liu et al.,
Energy-based Out-of-distribution Detection, NeurIPS 2020), the distance to the three nearest training
utterances, and whether known outliers are nearer, each standardised on held-out training utterances; softmax
alone is a poor detector.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.nlu.grams import Vocabulary

ACT_ABOVE = 0.7
"""Calibrated confidence from which an intent may be acted on without asking (the customer's threshold)."""
NEIGHBOURS = 3
KEPT = 20_000
"""Texts whose guess is remembered."""
LEAST = 1e-9
"""The smallest probability whose logarithm is taken."""

Matrix = NDArray[np.float32]


class Intent(Struct, frozen=True):
    """One thing customers want, as the taxonomy describes it. `asks` are facts worth asking for."""

    name: str
    family: str
    description: str
    response_type: str
    issue_type: str
    clarify: str
    utterances: tuple[str, ...]
    asks: tuple[str, ...] = ()


class IntentGuess(Struct, frozen=True):
    """The best intent, or `known=False`.

    `confidence` in 0..1 is calibrated; `novelty` above 0 means unknown.
    """

    name: str
    confidence: float
    known: bool
    novelty: float


class Head(Struct, frozen=True):
    """A linear classifier: weights (features, k), bias (k,), and the temperature of its probabilities."""

    weights: Matrix
    bias: Matrix
    temperature: float

    def log_probabilities(self, logits: Matrix) -> Matrix:
        """Over the last axis."""
        return np.log(np.maximum(softmax(logits / self.temperature), LEAST))


class Scale(Struct, frozen=True):
    """Mean and standard deviation of a measure on held-out utterances."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Scale":
        """The scale of some values."""
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def __call__(self, value: Matrix) -> Matrix:
        """The z-score."""
        return (value - self.mean) / self.deviation


class Novelty(Struct, frozen=True):
    """How unlike the training utterances a message is.

    utterances (n, d) and outliers (m, d) are unit rows; `threshold` is the sum of z-scores from which a
    message is unknown, fitted on held-out utterances.
    """

    utterances: Matrix
    outliers: Matrix
    energy: Scale
    distance: Scale
    margin: Scale
    threshold: float

    def __call__(self, logits: Matrix, vector: Matrix) -> float:
        """Above 0 means unknown; from the embedding head's logits (k,) and the unit embedding (d,)."""
        near = nearest(self.utterances @ vector[:, None])
        far = nearest(self.outliers @ vector[:, None])
        return float(self.scores(logits[None], near, far)[0]) - self.threshold

    def scores(self, logits: Matrix, near: Matrix, far: Matrix) -> Matrix:
        """The sums of z-scores for rows of logits (n, k) and mean cosines of the nearest (n,)."""
        total = self.energy(energy(logits)) + self.distance(1 - near)
        return total + self.margin(far - near) if len(self.outliers) else total


class IntentModel(Struct, frozen=True):
    """Trained on a taxonomy. `share` is the weight of the wording in the fusion, in 0..1."""

    names: tuple[str, ...]
    meaning: Head
    wording: Head
    vocabulary: Vocabulary
    share: float
    temperature: float
    novelty: Novelty

    def guess(self, text: str, vector: Matrix) -> IntentGuess:
        """Classify a message by its text and unit embedding (d,)."""
        logits = vector @ self.meaning.weights + self.meaning.bias
        columns, values = self.vocabulary.features(text)
        worded = values @ self.wording.weights[columns].astype(np.float32) + self.wording.bias
        probabilities = self.probabilities(logits, worded)
        best = int(np.argmax(probabilities))
        novelty = self.novelty(logits, vector)
        return IntentGuess(
            self.names[best], round(float(probabilities[best]), 4), novelty <= 0, round(novelty, 3)
        )

    def probabilities(self, meaning: Matrix, wording: Matrix) -> Matrix:
        """Fused and calibrated probabilities from the logits of both heads, over the last axis."""
        fused = fuse(
            self.meaning.log_probabilities(meaning), self.wording.log_probabilities(wording), self.share
        )
        return softmax(fused / self.temperature)


class Guesser:
    """An intent model that remembers what it made of recent texts, as the embedder does of their vectors."""

    def __init__(self, model: IntentModel) -> None:
        self._model = model
        self._kept: dict[str, IntentGuess] = {}

    def guess(self, text: str, vector: Matrix) -> IntentGuess:
        """The model's guess; the vector is that of the text."""
        found = self._kept.get(text)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[text] = self._model.guess(text, vector)
        return found


def fuse(meaning: Matrix, wording: Matrix, share: float) -> Matrix:
    """The weighted sum of logarithms of probabilities."""
    return (1 - share) * meaning + share * wording


def softmax(logits: Matrix) -> Matrix:
    """Probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float32)


def energy(logits: Matrix) -> Matrix:
    """Minus log-sum-exp over the last axis: low for familiar input."""
    top = logits.max(axis=-1)
    return np.asarray(-(top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))), np.float32)


def nearest(similarities: Matrix) -> Matrix:
    """The mean cosine of the nearest neighbours, for each column of (n, columns)."""
    count = min(NEIGHBOURS, similarities.shape[0])
    if not count:
        return np.zeros(similarities.shape[1], np.float32)
    return np.asarray(np.partition(similarities, -count, axis=0)[-count:].mean(axis=0), np.float32)
