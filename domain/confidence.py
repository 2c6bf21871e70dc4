"""How sure we are that an answer is right: features of its evidence, and a probability fitted on labels."""

import math
from collections.abc import Sequence

from msgspec import Struct

from domain.nlu.intents import IntentGuess
from domain.retrieval.passages import Hit

CERTAIN = 0.99
"""The most confidence that anything gets: the model was fitted on hundreds of questions, not thousands."""
TELLING = 5
FEATURES = ("cosine", "coverage", "margin", "agreement", "intent", "novelty", "foreign", "telling")


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """Two logistic models, fitted on labelled questions of our own (`casepilot confidence`).

    Relevance, 'this passage is about that question', is 1 / (1 + exp(-(bias + cosine * c + coverage * v))).
    At `floor` and above we answer; from `hint` to `floor` we ask whether the nearest topic is meant; below we
    ask or decline. `right` are bias and weights of 'this answer is right', in the order of `FEATURES`;
    without them relevance stands for it. An answer of less than `least` confidence is not given.
    """

    bias: float
    cosine: float
    coverage: float
    floor: float
    hint: float
    right: tuple[float, ...] = ()
    least: float = 0.0


class Confidence(Struct, frozen=True):
    """Confidence in 0..1 with what it rests on.

    `support` is the share of sentences that a passage holds; `margin` how much nearer the best article is
    than the next one; `agreement` the share of the passages found that are the best article's; `intent` the
    probability of the intent, 0 for an unknown one; `novelty` above 0 means a message unlike all known ones;
    `foreign` is 1 for a message that names products of others and none of ours; `telling` is 1 for a message
    of `TELLING` topic words and more, less for one that says little.
    """

    value: float
    cosine: float
    coverage: float
    support: float
    margin: float = 0.0
    agreement: float = 0.0
    intent: float = 0.0
    novelty: float = 0.0
    foreign: float = 0.0
    telling: float = 0.0


def relevance(hit: Hit | None, thresholds: Thresholds) -> float:
    """The probability that the hit is about the question, 0..1; 0 without a hit."""
    if hit is None:
        return 0.0
    return _logistic(thresholds.bias + thresholds.cosine * hit.cosine + thresholds.coverage * hit.coverage)


def answers(hits: Sequence[Hit], thresholds: Thresholds) -> bool:
    """Whether the best of these passages is about the question enough to say it."""
    return relevance(hits[0] if hits else None, thresholds) >= thresholds.floor


def confidence(
    hits: Sequence[Hit],
    support: float,
    thresholds: Thresholds,
    guess: IntentGuess | None = None,
    *,
    foreign: bool = False,
    words: int = TELLING,
) -> Confidence:
    """The probability that an answer from these hits, best first, is right, times its supported share.

    `words` is the number of different topic words of the question.
    """
    best = hits[0] if hits else None
    others = [hit.cosine for hit in hits if best and hit.passage.article != best.passage.article]
    parts = Confidence(
        0.0,
        best.cosine if best else 0.0,
        best.coverage if best else 0.0,
        round(support, 3),
        round(best.cosine - max(others, default=0.0), 4) if best else 0.0,
        round(1 - len(others) / len(hits), 3) if hits else 0.0,
        round(guess.confidence, 3) if guess and guess.known else 0.0,
        round(guess.novelty, 3) if guess else 0.0,
        float(foreign),
        min(1.0, words / TELLING),
    )
    if best is None:
        sure = 0.0
    elif thresholds.right:
        bias, *weights = thresholds.right
        features = [getattr(parts, name) for name in FEATURES]
        sure = _logistic(bias + sum(w * x for w, x in zip(weights, features, strict=True)))
    else:
        sure = relevance(best, thresholds)
    return Confidence(
        round(min(CERTAIN, sure * support), 3),
        *(getattr(parts, name) for name in Confidence.__struct_fields__[1:]),
    )


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
