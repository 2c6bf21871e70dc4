"""`casepilot nlu train` and `casepilot eval nlu`: training and measuring what understands messages."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from adapters.embedding import MODEL_ID, MiniLmEmbedder, prepare
from adapters.starter import loader
from adapters.system import LangidDetector
from domain.errors import DataFileError
from domain.nlu.entities import EntityFinder
from domain.nlu.evaluation import Evaluation
from domain.nlu.intents import Guesser, IntentModel
from domain.nlu.understanding import Models, understand
from entrypoints.cli.output import progress, show
from entrypoints.models import evaluated, examples_of, load_feelings, taxonomy, write_model
from ports.inbound.train import Examples, digest, train_on

TIMED = 300
"""Messages whose time is measured, each of them new to every cache."""
SEED = 2_026

Pairs = Sequence[tuple[str, str]]


class Clinc(Struct, frozen=True):
    """The file format of CLINC150 (Larson et al., EMNLP 2019): [text, intent] pairs by split."""

    train: Pairs
    test: Pairs
    oos_train: Pairs = ()
    oos_test: Pairs = ()


def train(cache: Path, out: Path | None) -> dict[str, Any]:
    """Train on the taxonomy, measure on the evaluation set, store; the name is the content's hash."""
    everybody = taxonomy()
    examples = examples_of(everybody)
    path = out or cache / f"intents-{digest(MODEL_ID, examples)}.model"
    found, model = asyncio.run(_trained(examples, everybody.tests, cache))
    write_model(path, model, msgspec.convert(found["evaluation"], Evaluation))
    return {"model": str(path), "intents": len(examples.intents), **found}


def evaluate(data: Path, shots: int | None, cache: Path) -> dict[str, Any]:
    """Train on a data set's own training part with the product's method and measure on its test part."""
    clinc = _read(data)
    by_intent: dict[str, list[str]] = {}
    for text, intent in clinc.train:
        by_intent.setdefault(intent, []).append(text)
    if shots is not None:
        draw = Random(SEED)  # noqa: S311  # a sample, not a secret
        by_intent = {name: draw.sample(texts, min(shots, len(texts))) for name, texts in by_intent.items()}
    messages: list[tuple[str, str | None]] = [(text, intent) for text, intent in clinc.test]
    messages += [(text, None) for text, _ in clinc.oos_test]
    examples = Examples(by_intent, [text for text, _ in clinc.oos_train])
    found, _ = asyncio.run(_trained(examples, messages, cache))
    return {
        "intents": len(by_intent),
        "training_messages": sum(map(len, by_intent.values())),
        "outliers_for_training": len(examples.outliers),
        **found,
    }


def print_report(found: Mapping[str, Any]) -> None:
    """The figures for people."""
    one = found["evaluation"]
    recall = ", ".join(f"{share}% at {cost} in-scope cost" for cost, share in one["unknown_recall"].items())
    show(f"{found['intents']} intents, trained in {found['training_seconds']:.0f} s, embedding included")
    right = f"{one['accuracy']:.1f}% of {one['messages']:,} right"
    show(f"In scope:     {right}, calibration error {one['ece']:.1f}%")
    show(f"Out of scope: of {one['unknown_messages']:,} found {recall or 'not measured'}")
    show(f"              by its own threshold {one['caught']:.1f}%, refusing {one['refused']:.1f}% in scope")
    show(f"A message:    {found['ms_p50']:.1f} ms, p95 {found['ms_p95']:.1f} ms (language to sentiment)")
    if "model" in found:
        show(f"Model:        {found['model']}")


async def _trained(
    examples: Examples, messages: Sequence[tuple[str, str | None]], cache: Path
) -> tuple[dict[str, Any], IntentModel]:
    embedder = MiniLmEmbedder(await asyncio.to_thread(prepare, cache))
    total = sum(map(len, examples.intents.values())) + len(examples.outliers)
    began = perf_counter()
    with progress() as bar:
        task = bar.add_task("Embedding", total=total)

        async def step(done: int) -> bool:
            bar.update(task, completed=done, description="Embedding" if done < total else "Training")
            return True

        model = await train_on(examples, embedder, step)
        seconds = perf_counter() - began
        bar.update(task, description="Measuring")
        report = await evaluated(model, embedder, messages)
        times = await _times(model, embedder, [text for text, _ in messages], cache)
    embedder.close()
    found = {
        "training_seconds": round(seconds, 1),
        "in_scope_accuracy": report.accuracy,
        "oos_recall_at_3": report.unknown_recall.get("3%"),
        "oos_recall_at_5": report.unknown_recall.get("5%"),
        "ece": report.ece,
        "evaluation": msgspec.to_builtins(report),
        "ms_p50": round(float(np.percentile(times, 50)), 2),
        "ms_p95": round(float(np.percentile(times, 95)), 2),
    }
    return found, model


async def _times(
    model: IntentModel, embedder: MiniLmEmbedder, texts: Sequence[str], cache: Path
) -> list[float]:
    """Milliseconds to understand each of some messages, one at a time."""
    feelings = await load_feelings(cache, embedder)
    models = Models({}, Guesser(model), EntityFinder(loader.gazetteer()), feelings)
    languages = await asyncio.to_thread(LangidDetector)
    times = []
    for text in texts[:: max(1, len(texts) // TIMED)]:
        began = perf_counter()
        vector = await embedder.embed(text)
        understand(text, vector, languages.detect(text), models)
        times.append((perf_counter() - began) * 1e3)
    return times


def _read(path: Path) -> Clinc:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Clinc)
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise DataFileError("bad_file", f"{path}: {error}; CLINC150's data_full.json is expected.") from error
    if len({intent for _, intent in found.train}) < 2 or not found.test:  # noqa: PLR2004  # one class is no choice
        raise DataFileError("bad_file", f"{path}: at least two intents to train on and a test are needed.")
    return found
