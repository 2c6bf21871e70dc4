"""How well an intent model does on messages that it has not seen."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.calibration import expected_calibration_error
from domain.nlu.intents import IntentGuess

COSTS = (0.03, 0.05)
"""Shares of in-scope messages that refusing the unknown may cost."""


class Evaluation(Struct, frozen=True):
    """Percentages. `unknown_recall` is by the in-scope cost in percent, at the best threshold for that cost.

    `refused` and `caught` are what the model's own threshold does to in-scope and out-of-scope messages;
    `ece` is the expected calibration error over ten bins of confidence (Naeini et al., AAAI 2015).
    """

    messages: int
    accuracy: float
    ece: float
    unknown_messages: int
    unknown_recall: dict[str, float]
    refused: float
    caught: float


class Found(Struct, frozen=True):
    """Percentages of what was found and is right, and of what is there and was found."""

    precision: float
    recall: float
    f1: float
    there: int


def compare(found: Iterable[tuple[str, object]], there: Iterable[tuple[str, object]]) -> dict[str, Found]:
    """Precision and recall by kind, of (kind, thing) pairs; things are unique by what they hold."""
    mine, theirs = set(found), set(there)
    kinds = sorted({kind for kind, _ in theirs})
    return {kind: _found(kind, mine, theirs) for kind in kinds}


def macro_f1(by_kind: Mapping[str, Found]) -> float:
    """The mean of F1 over kinds, in percent."""
    return round(sum(one.f1 for one in by_kind.values()) / len(by_kind), 2) if by_kind else 0.0


def _found(kind: str, mine: set[tuple[str, object]], theirs: set[tuple[str, object]]) -> Found:
    right = sum(1 for pair in mine & theirs if pair[0] == kind)
    said, there = (sum(1 for name, _ in pairs if name == kind) for pairs in (mine, theirs))
    precision, recall = (100 * right / total if total else 0.0 for total in (said, there))
    whole = precision + recall
    f1 = 2 * precision * recall / whole if whole else 0.0
    return Found(round(precision, 1), round(recall, 1), round(f1, 1), there)


def evaluate(guesses: Sequence[IntentGuess], labels: Sequence[str | None]) -> Evaluation:
    """Compare guesses with labels; None is out of scope."""
    inside = np.array([label is not None for label in labels], bool)
    right = np.array([guess.name == label for guess, label in zip(guesses, labels, strict=True)], bool)
    sure = np.array([guess.confidence for guess in guesses])
    novelty = np.array([guess.novelty for guess in guesses])
    recall = {
        f"{cost:.0%}": _percent(novelty[~inside] > np.quantile(novelty[inside], 1 - cost))
        for cost in COSTS
        if inside.any() and not inside.all()
    }
    return Evaluation(
        int(inside.sum()),
        _percent(right[inside]),
        round(100 * expected_calibration_error(sure[inside], right[inside]), 2),
        int((~inside).sum()),
        recall,
        _percent(novelty[inside] > 0),
        _percent(novelty[~inside] > 0),
    )


def _percent(found: NDArray[np.bool_]) -> float:
    return round(100 * float(found.mean()), 2) if len(found) else 0.0
