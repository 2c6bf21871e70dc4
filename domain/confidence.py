"""How sure we are that the best passage answers the question, and its parts."""

import math
from collections.abc import Sequence

from msgspec import Struct

from domain.retrieval.passages import Hit

CERTAIN = 0.99
"""The most confidence that anything gets: the model was fitted on hundreds of questions, not thousands."""


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """A logistic model of 'this passage answers that question', fitted on our own development questions.

    confidence = 1 / (1 + exp(-(bias + cosine * c + coverage * v))). At `floor` and above we answer; from
    `hint` to `floor` we ask whether the nearest topic is meant; below we ask or decline.
    """

    bias: float
    cosine: float
    coverage: float
    floor: float
    hint: float


class Confidence(Struct, frozen=True):
    """Confidence in 0..1 with its parts. `support` is the share of sentences that a passage holds."""

    value: float
    cosine: float
    coverage: float
    support: float


def relevance(hit: Hit | None, thresholds: Thresholds) -> float:
    """The probability that the hit answers the question, 0..1; 0 without a hit."""
    if hit is None:
        return 0.0
    logit = thresholds.bias + thresholds.cosine * hit.cosine + thresholds.coverage * hit.coverage
    return 1 / (1 + math.exp(-logit))


def answers(hits: Sequence[Hit], thresholds: Thresholds) -> bool:
    """Whether the best of these passages answers the question well enough to say it."""
    return relevance(hits[0] if hits else None, thresholds) >= thresholds.floor


def confidence(hit: Hit | None, support: float, thresholds: Thresholds) -> Confidence:
    """Relevance of the best hit times the share of the answer that passages support."""
    value = min(CERTAIN, relevance(hit, thresholds) * support)
    return Confidence(
        round(value, 3), hit.cosine if hit else 0.0, hit.coverage if hit else 0.0, round(support, 3)
    )
