"""Loading what understanding needs; the intent model is trained once and kept by content hash."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from adapters.embedding import MODEL_ID
from adapters.starter import loader
from domain.errors import DataFileError
from domain.facts import Brain
from domain.nlu.entities import EntityFinder
from domain.nlu.evaluation import Evaluation, evaluate
from domain.nlu.grams import Vocabulary
from domain.nlu.intents import Guesser, Head, IntentModel, Novelty, Scale
from domain.nlu.understanding import Models
from ports.outbound.embedding import Embedder

Progress = Callable[[int], None]
METHOD = "meaning and wording, 2"
"""Changes with the method of training, so that older models are not taken for ones of this method."""


class Examples(Struct, frozen=True):
    """Messages by intent, and messages that are none of them."""

    intents: Mapping[str, Sequence[str]]
    outliers: Sequence[str]


class _Rest(Struct, frozen=True):
    """What is not an array in a stored model."""

    names: tuple[str, ...]
    grams: tuple[str, ...]
    temperatures: tuple[float, float, float]
    share: float
    scales: tuple[Scale, Scale, Scale]
    threshold: float
    evaluation: Evaluation | None = None


async def load_models(cache: Path, embedder: Embedder, progress: Progress = lambda _: None) -> Models:
    """Everything for `understand`.

    The first call for a taxonomy embeds and trains (half a minute), later ones read.
    """
    threadpool_limits(1, "blas")  # one vector times a small matrix: more threads only spin
    taxonomy = loader.intents()
    examples = Examples({one.name: one.utterances for one in taxonomy}, loader.out_of_scope())
    path = cache / f"intents-{digest(examples)}.npz"
    if not path.exists():
        write_model(path, await train_on(examples, embedder, progress))
    return Models(
        {intent.name: intent for intent in taxonomy},
        Guesser(read_model(path)),
        EntityFinder(loader.gazetteer()),
        loader.lexicon(),
    )


def load_brain(models: Models) -> Brain:
    """Everything for `plan_turn`."""
    return Brain(models.intents, loader.cues(), loader.texts(), loader.thresholds(), loader.calendar())


def digest(examples: Examples) -> str:
    """The name of the model that these examples make."""
    return hashlib.sha256(msgspec.json.encode((MODEL_ID, METHOD, examples))).hexdigest()[:16]


async def train_on(
    examples: Examples, embedder: Embedder, progress: Progress = lambda _: None
) -> IntentModel:
    """Embed and train; `progress` hears how many messages were embedded."""
    from domain.nlu.training import Corpus, train  # noqa: PLC0415  # scikit-learn takes 2 s only training needs

    names = tuple(examples.intents)
    texts = [text for name in names for text in examples.intents[name]]
    labels = np.repeat(np.arange(len(names)), [len(examples.intents[name]) for name in names])
    vectors = await embedder.embed_all([*texts, *examples.outliers], progress)
    return train(Corpus(names, texts, vectors[: len(texts)], labels, vectors[len(texts) :]))


async def evaluated(
    model: IntentModel, embedder: Embedder, messages: Sequence[tuple[str, str | None]]
) -> Evaluation:
    """How a model does on (text, intent) messages; None is out of scope."""
    vectors = await embedder.embed_all([text for text, _ in messages])
    guesses = [model.guess(text, vector) for (text, _), vector in zip(messages, vectors, strict=True)]
    return evaluate(guesses, [label for _, label in messages])


def write_model(path: Path, model: IntentModel, evaluation: Evaluation | None = None) -> None:
    """Store a model, whole or not at all."""
    novelty = model.novelty
    rest = _Rest(
        model.names,
        tuple(model.vocabulary.columns),
        (model.meaning.temperature, model.wording.temperature, model.temperature),
        model.share,
        (novelty.energy, novelty.distance, novelty.margin),
        novelty.threshold,
        evaluation,
    )
    arrays: dict[str, Any] = {
        "meaning": model.meaning.weights,
        "meaning_bias": model.meaning.bias,
        "wording": model.wording.weights,
        "wording_bias": model.wording.bias,
        "idf": model.vocabulary.idf,
        "utterances": novelty.utterances,
        "outliers": novelty.outliers,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, rest=np.frombuffer(msgspec.json.encode(rest), np.uint8), **arrays)
    Path(temporary).replace(path)


def read_model(path: Path) -> IntentModel:
    """A model from arrays and JSON; nothing in it is ever executed. Raises `DataFileError`."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            rest = msgspec.json.decode(stored["rest"].tobytes(), type=_Rest)
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, BadZipFile, msgspec.DecodeError) as error:
        raise DataFileError("bad_model", f"{path}: this is no intent model: {error}.") from error
    meaning, wording, whole = rest.temperatures
    return IntentModel(
        rest.names,
        Head(arrays["meaning"], arrays["meaning_bias"], meaning),
        Head(arrays["wording"], arrays["wording_bias"], wording),
        Vocabulary({gram: column for column, gram in enumerate(rest.grams)}, arrays["idf"]),
        rest.share,
        whole,
        Novelty(arrays["utterances"], arrays["outliers"], *rest.scales, rest.threshold),
    )
