"""How the customer feels, from a lexicon of support words: valence, emotion, intensity.

The combination rules (negation window, boosters, capitals, exclamation marks, x / sqrt(x^2 + 15)) follow
Hutto and Gilbert, VADER, ICWSM 2014; the lexicon is our own.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from domain.nlu.text import straight

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|[\U0001F300-\U0001FAFF\u2600-\u27BF]")
TECHNICAL = re.compile(r"`[^`]*`|\b\w*_\w+\b|\b\w+Exception\b")
"""Code, API names and error codes do not feel."""
NORMALISER = 15.0
"""VADER's alpha: a summed valence of 4 becomes 0.72."""
NEGATED = -0.74
CAPITALS = 0.733
EXCLAMATION = 0.292
NEGATION_WINDOW = 3
FELT = 0.3
"""Absolute score from which a message without emotion words still counts as joy or anger."""
SHOUTED = 3
"""Letters from which a word in capitals is shouted, not an abbreviation like OK."""


ASPECTS = ("product", "support", "billing", "performance", "people")
"""What customers feel about."""
CLAUSE = re.compile(r"[.!?;\n]+|,|\b(?:but|however|although|though|while|whereas)\b", re.IGNORECASE)


class Lexicon(Struct, frozen=True):
    """Words and phrases with valence in -4..4, boosters as added factors, emotion and aspect word lists."""

    negations: frozenset[str]
    valence: Mapping[str, float]
    phrases: Mapping[str, float]
    boosters: Mapping[str, float]
    emoji: Mapping[str, float]
    emotion: Mapping[str, frozenset[str]]
    aspects: Mapping[str, frozenset[str]]


class Sentiment(Struct, frozen=True):
    """`score` in -1..1; `emotion` joy, anger, fear, sadness, surprise, neutral; `intensity` 0 to 5.

    `aspects` holds the scores of those of `ASPECTS` that the message speaks of.
    """

    score: float
    emotion: str
    intensity: int
    aspects: Mapping[str, float] = {}


def bare(text: str) -> str:
    """The text without code, API names and error codes."""
    return TECHNICAL.sub(" ", straight(text))


def by_lexicon(text: str, lexicon: Lexicon) -> Sentiment:
    """What the words of a bare text say by themselves."""
    words = WORD.findall(text)
    score = _score(text, words, lexicon)
    emotion, strength = _emotion(words, lexicon)
    if emotion == "neutral" and score <= -FELT:
        emotion, strength = "anger", 1
    elif emotion == "neutral" and score >= FELT:
        emotion, strength = "joy", 1
    intensity = min(5, math.ceil(abs(score) * 5)) if strength else 0
    return Sentiment(round(score, 3), emotion, intensity, _by_aspect(text, score, lexicon))


def named_aspects(text: str, lexicon: Lexicon) -> frozenset[str]:
    """The aspects that words of the text belong to."""
    lower = {word.lower() for word in WORD.findall(text)}
    return frozenset(aspect for aspect, listed in lexicon.aspects.items() if lower & listed)


def _score(text: str, words: Sequence[str], lexicon: Lexicon) -> float:
    total = math.fsum(_valences(text, words, lexicon))
    if total:
        total += math.copysign(EXCLAMATION * min(text.count("!"), 4), total)
    return total / math.sqrt(total * total + NORMALISER) if total else 0.0


def _by_aspect(text: str, whole: float, lexicon: Lexicon) -> dict[str, float]:
    """The score of the clauses that name an aspect; the whole message's where they say nothing."""
    found: dict[str, list[float]] = {}
    for clause in CLAUSE.split(text):
        words = WORD.findall(clause)
        lower = {word.lower() for word in words}
        named = [aspect for aspect, listed in lexicon.aspects.items() if lower & listed]
        score = _score(clause, words, lexicon) if named else 0.0
        for aspect in named:
            found.setdefault(aspect, []).append(score)
    return {
        aspect: round(math.fsum(scores) / len(scores) if any(scores) else whole, 3)
        for aspect, scores in found.items()
    }


def _valences(text: str, words: Sequence[str], lexicon: Lexicon) -> Iterator[float]:
    lower = f" {' '.join(words)} ".lower()
    covered: set[str] = set()
    for phrase, valence in lexicon.phrases.items():
        if phrase in lower and f" {phrase} " in lower:
            covered.update(phrase.split())
            yield valence
    shouting = any(w.isupper() and len(w) >= SHOUTED for w in words) and not text.isupper()
    for position, word in enumerate(words):
        value = lexicon.valence.get(word.lower(), lexicon.emoji.get(word, 0.0))
        if not value or word.lower() in covered:
            continue
        if shouting and word.isupper() and len(word) >= SHOUTED:
            value += math.copysign(CAPITALS, value)
        yield _in_context(
            value, [w.lower() for w in words[max(0, position - NEGATION_WINDOW) : position]], lexicon
        )


def _in_context(value: float, before: Sequence[str], lexicon: Lexicon) -> float:
    for distance, word in enumerate(reversed(before)):
        boost = lexicon.boosters.get(word, 0.0) * (1 - 0.05 * distance)
        value += boost if value > 0 else -boost
    return value * NEGATED if any(w in lexicon.negations or w.endswith("n't") for w in before) else value


def _emotion(words: Sequence[str], lexicon: Lexicon) -> tuple[str, int]:
    lower = {word.lower() for word in words}
    best, hits = max(
        ((name, len(lower & listed)) for name, listed in lexicon.emotion.items()),
        key=lambda pair: pair[1],
        default=("neutral", 0),
    )
    return (best, hits) if hits else ("neutral", 0)
