"""How the customer feels, learned from examples: score, emotion and level, and what about.

One linear layer over what a message means (its embedding), how it is worded (words and pieces of words) and
what the lexicon makes of it. The lexicon knows rules that examples teach badly (negation, capitals, emoji),
the examples know feelings that no single word shows.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.nlu.grams import Vocabulary
from domain.nlu.intents import softmax
from domain.nlu.sentiment import ASPECTS, Lexicon, Sentiment, bare, by_lexicon, named_aspects

EMOTIONS = ("anger", "fear", "joy", "neutral", "sadness", "surprise")
STEPS = tuple(step / 4 for step in range(-4, 5))
"""The scores that examples have, from -1 to 1."""
SIGNS = (0.0, -1.0, 1.0)
"""Of an aspect: not spoken of with feeling, badly, well."""
WORDING = np.float32(0.7)
"""Weight of the wording beside the meaning."""
FELT = 0.35
"""Probability from which an aspect is felt about."""
LEAST, MOST_NEUTRAL = 0.25, 0.2
"""Scores that are not neutral are at least this far from 0; neutral ones at most that far."""
EITHER = 0.02
"""Weight of a score that the emotion speaks against."""
SHOUT = 3
KEPT = 20_000
"""Texts whose feelings are remembered."""

Matrix = NDArray[np.float32]


class AffectModel(Struct, frozen=True):
    """Weights of the dense features (dense, k) and of the wording (grams, k), and bias (k,).

    The k outputs are emotions, steps of the score, the level, and three signs for each aspect, in this order.
    """

    vocabulary: Vocabulary
    dense: Matrix
    wording: NDArray[np.float16]
    bias: Matrix

    def outputs(self, text: str, vector: Matrix, lexicon: Lexicon) -> Matrix:
        """The k outputs for a text with its unit embedding (d,)."""
        columns, values = self.vocabulary.features(text)
        worded = (WORDING * values) @ self.wording[columns].astype(np.float32)
        return np.asarray(dense_features(text, vector, lexicon) @ self.dense + worded + self.bias)

    def read(self, text: str, vector: Matrix, lexicon: Lexicon) -> Sentiment:
        """What is felt in a message."""
        text = bare(text)
        found = self.outputs(text, vector, lexicon)
        emotions, steps, level, signs = np.split(found, np.cumsum([len(EMOTIONS), len(STEPS), 1]), axis=0)
        emotion = EMOTIONS[int(np.argmax(emotions))]
        score = _score(_agreed(softmax(steps), softmax(emotions)))
        intensity = 0 if emotion == "neutral" else int(np.clip(round(float(level[0])), 1, 5))
        aspects = {}
        for aspect, logits in zip(ASPECTS, signs.reshape(-1, len(SIGNS)), strict=True):
            _, badly, well = softmax(logits).tolist()
            if badly + well >= FELT:
                aspects[aspect] = round(max(LEAST, abs(score)) * (1 if well > badly else -1), 3)
        return Sentiment(round(score, 3), emotion, intensity, aspects)


class Feelings:
    """An affect model with its lexicon, which remembers what it made of recent texts."""

    def __init__(self, model: AffectModel, lexicon: Lexicon) -> None:
        self._model, self._lexicon = model, lexicon
        self._kept: dict[str, Sentiment] = {}

    def read(self, text: str, vector: Matrix) -> Sentiment:
        """What is felt in a message with its unit embedding (d,)."""
        found = self._kept.get(text)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[text] = self._model.read(text, vector, self._lexicon)
        return found


def dense_features(text: str, vector: Matrix, lexicon: Lexicon) -> Matrix:
    """The embedding, and what the lexicon, the punctuation and the capitals say, (dense,)."""
    told = by_lexicon(text, lexicon)
    words = text.split()
    shouted = any(word.isupper() and len(word) >= SHOUT for word in words)
    marks = [told.score, abs(told.score), told.intensity / 5, "!" in text, "?" in text, shouted]
    emotions = [told.emotion == one for one in EMOTIONS]
    aspects = named_aspects(text, lexicon)
    said = np.array([*marks, *emotions, *(one in aspects for one in ASPECTS)], np.float32)
    return np.concatenate([np.asarray(vector, np.float32), said])


def _agreed(steps: Matrix, emotions: Matrix) -> Matrix:
    """Probabilities of the steps of the score as far as the emotions allow them (a product of experts)."""
    anger, fear, joy, neutral, sadness, surprise = emotions.tolist()
    below, above = anger + fear + sadness, joy
    allowed = np.array([below] * 4 + [neutral] + [above] * 4) + 0.5 * surprise + EITHER
    found = steps * allowed.astype(np.float32)
    return np.asarray(found / found.sum())


def _score(probabilities: Matrix) -> float:
    """The expected score, on the side that most of the probability is on."""
    expected = float(probabilities @ np.array(STEPS, np.float32))
    middle = len(STEPS) // 2
    sides = [probabilities[:middle].sum(), probabilities[middle], probabilities[middle + 1 :].sum()]
    match int(np.argmax(sides)):
        case 0:
            return min(expected, -LEAST)
        case 1:
            return min(max(expected, -MOST_NEUTRAL), MOST_NEUTRAL)
        case _:
            return max(expected, LEAST)
