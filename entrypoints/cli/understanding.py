"""`casepilot eval understanding`: entities, sentiment, emotion and language, on data written apart."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import msgspec
from msgspec import Struct

from adapters.embedding import MiniLmEmbedder, prepare
from adapters.starter import loader
from adapters.system import LangidDetector
from domain.nlu.entities import EntityFinder
from domain.nlu.evaluation import compare, macro_f1
from domain.nlu.sentiment import Sentiment
from domain.nlu.understanding import CODE
from entrypoints.cli.output import show
from entrypoints.models import load_feelings

FELT = 0.25
"""Scores nearer to zero are neutral, as the steps of the data are."""


class Entities(Struct, frozen=True):
    """A message with its entities: type, surface form and normalised value."""

    text: str
    entities: tuple[tuple[str, str, str], ...]


class Feeling(Struct, frozen=True):
    """A message with its score, overall and by aspect."""

    text: str
    score: float
    aspects: Mapping[str, float]


class Emotion(Struct, frozen=True):
    """A message with its emotion and level, 0 to 5."""

    text: str
    emotion: str
    level: int


class Spoken(Struct, frozen=True):
    """A message with the ISO 639-1 code of its language."""

    text: str
    language: str


class Mixed(Struct, frozen=True):
    """A message in several languages."""

    text: str
    languages: tuple[str, ...]


def evaluate(cache: Path) -> dict[str, Any]:
    """All measures."""
    rows = loader.evaluation("sentiment", Feeling)
    emotions = loader.evaluation("emotion", Emotion)
    felt = asyncio.run(_felt([*(one.text for one in rows), *(one.text for one in emotions)], cache))
    measured = {
        **_entities(),
        **_sentiment(rows, felt[: len(rows)]),
        **_emotion(emotions, felt[len(rows) :]),
        **_language(),
    }
    found: dict[str, Any] = msgspec.to_builtins(measured)
    return found


def print_report(found: Mapping[str, Any]) -> None:
    """The figures for people."""
    for part in ("entities", "aspects", "emotions"):
        show(f"{part:<20}{'precision':>10}{'recall':>8}{'F1':>7}{'there':>7}")
        for kind, one in found[part].items():
            figures = f"{one['precision']:>10.1f}{one['recall']:>8.1f}{one['f1']:>7.1f}{one['there']:>7}"
            show(f"  {kind:<18}{figures}")
    one = found
    values = f"{one['normalised']:.1f}% of the values of those found are right"
    show(f"entities: macro-F1 {one['entity_f1']:.1f}%, {values}")
    show(f"sentiment: sign right {one['sentiment_sign']:.1f}%, mean error {one['sentiment_error']:.2f}")
    show(f"emotion: macro-F1 {one['emotion_f1']:.1f}%, level within one {one['emotion_level']:.1f}%")
    many = f"{one['language_messages']} messages in {one['languages']} languages"
    show(f"language: {one['language_right']:.1f}% of {many}")
    wrongly = f"{one['wrongly_mixed']:.1f}% of the others are taken for mixed"
    show(f"mixed: both languages in {one['mixed_right']:.1f}% of {one['mixed_messages']}; {wrongly}")


def _entities() -> dict[str, Any]:
    finder = EntityFinder(loader.gazetteer())
    found: dict[tuple[str, object], str] = {}
    there: dict[tuple[str, object], str] = {}
    for number, one in enumerate(loader.evaluation("entities", Entities)):
        found |= {(e.type.value, (number, e.text.strip("`").strip())): e.value for e in finder.find(one.text)}
        there |= {(kind, (number, text.strip("`").strip())): value for kind, text, value in one.entities}
    by_type = compare(found, there)
    both = [found[key] == there[key] for key in found.keys() & there.keys()]
    return {"entities": by_type, "entity_f1": macro_f1(by_type), "normalised": round(100 * mean(both), 1)}


async def _felt(texts: list[str], cache: Path) -> list[Sentiment]:
    embedder = MiniLmEmbedder(await asyncio.to_thread(prepare, cache))
    feelings = await load_feelings(cache, embedder)
    found = [feelings.read(CODE.sub(" ", text), await embedder.embed(text)) for text in texts]
    embedder.close()
    return found


def _sentiment(rows: list[Feeling], felt: list[Sentiment]) -> dict[str, Any]:
    signs = [_sign(mine.score) == _sign(one.score) for mine, one in zip(felt, rows, strict=True)]
    mine = (pair for number, one in enumerate(felt) for pair in _signed(number, one.aspects))
    theirs = (pair for number, one in enumerate(rows) for pair in _signed(number, one.aspects))
    return {
        "aspects": compare(mine, theirs),
        "sentiment_sign": round(100 * mean(signs), 1),
        "sentiment_error": round(mean(abs(a.score - b.score) for a, b in zip(felt, rows, strict=True)), 3),
    }


def _signed(number: int, aspects: Mapping[str, float]) -> Iterator[tuple[str, object]]:
    """Aspects that the message feels something about, right only with the right sign."""
    for aspect, score in aspects.items():
        if _sign(score):
            yield aspect, (number, _sign(score))


def _emotion(rows: list[Emotion], felt: list[Sentiment]) -> dict[str, Any]:
    by_kind = compare(
        ((one.emotion, number) for number, one in enumerate(felt)),
        ((one.emotion, number) for number, one in enumerate(rows)),
    )
    near = [
        abs(a.intensity - b.level) <= 1 for a, b in zip(felt, rows, strict=True) if a.emotion == b.emotion
    ]
    return {"emotions": by_kind, "emotion_f1": macro_f1(by_kind), "emotion_level": round(100 * mean(near), 1)}


def _language() -> dict[str, Any]:
    detector, rows = LangidDetector(), loader.evaluation("language", Spoken)
    right = [detector.detect(one.text).code == one.language for one in rows]
    mixed = loader.evaluation("mixed", Mixed)
    heard = [detector.detect(one.text) for one in mixed]
    both = [{one.code, *one.others} == set(row.languages) for one, row in zip(heard, mixed, strict=True)]
    single = [bool(detector.detect(one.text).others) for one in rows]
    return {
        "mixed_right": round(100 * mean(both), 1),
        "mixed_messages": len(mixed),
        "wrongly_mixed": round(100 * mean(single), 1),
        "language_right": round(100 * mean(right), 1),
        "language_messages": len(rows),
        "languages": len({one.language for one in rows}),
    }


def _sign(score: float) -> int:
    return 0 if abs(score) < FELT else 1 if score > 0 else -1
