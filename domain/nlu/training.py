"""Training the intent head: logistic regression on embeddings, calibrated on held-out folds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from domain.nlu.intents import Intent, IntentModel, energy, nearest_distance, softmax, standardised

REGULARISATION = 20.0
"""Inverse strength C of the L2 penalty; unit vectors want a weak one."""
FOLDS = 5
REFUSED_IN_SCOPE = 0.05
"""Share of in-scope messages that the unknown threshold may cost."""
TEMPERATURES = tuple(np.round(np.arange(0.3, 2.05, 0.05), 2).tolist())


def train(intents: Sequence[Intent], vectors: NDArray[np.float32]) -> IntentModel:
    """Fit a head on `vectors` (n, d), the unit embeddings of all utterances in the order of `intents`.

    Deterministic: the same utterances and vectors give the same model.
    """
    names = tuple(intent.name for intent in intents)
    labels = np.repeat(np.arange(len(intents)), [len(intent.utterances) for intent in intents])
    logits, distances = _held_out(vectors, labels)
    energies = np.array([energy(row) for row in logits])
    energy_scale = (float(energies.mean()), float(energies.std()))
    distance_scale = (float(distances.mean()), float(distances.std()))
    novelty = [
        standardised(e, energy_scale) + standardised(d, distance_scale)
        for e, d in zip(energies, distances, strict=True)
    ]
    head = _fit(vectors, labels)
    return IntentModel(
        names,
        head.coef_.astype(np.float32),
        head.intercept_.astype(np.float32),
        vectors,
        _temperature(logits, labels),
        energy_scale,
        distance_scale,
        float(np.quantile(novelty, 1 - REFUSED_IN_SCOPE)),
    )


def _fit(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(C=REGULARISATION, max_iter=1_000).fit(vectors, labels)


def _held_out(
    vectors: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Logits (n, k) and nearest distances (n,) of each utterance under a model that has not seen it."""
    logits = np.zeros((len(labels), int(labels.max()) + 1), dtype=np.float32)
    distances = np.zeros(len(labels))
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(vectors, labels):
        head = _fit(vectors[seen], labels[seen])
        logits[unseen] = head.decision_function(vectors[unseen])
        distances[unseen] = [nearest_distance(vectors[seen] @ vector) for vector in vectors[unseen]]
    return logits, distances


def _temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature with the lowest held-out negative log-likelihood (Guo et al., ICML 2017)."""

    def loss(temperature: float) -> float:
        chosen = softmax(logits / temperature)[np.arange(len(labels)), labels]
        return -float(np.log(np.maximum(chosen, 1e-9)).mean())

    return float(min(TEMPERATURES, key=loss))
