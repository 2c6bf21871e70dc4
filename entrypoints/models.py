"""Loading what understanding needs; the intent head is trained once and kept by content hash."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from adapters.embedding import MODEL_ID
from adapters.starter import loader
from domain.facts import Brain
from domain.nlu.entities import EntityFinder
from domain.nlu.intents import Intent, IntentModel
from domain.nlu.understanding import Models
from ports.outbound.embedding import Embedder

ARRAYS = ("weights", "bias", "utterances")


async def load_models(
    cache: Path, embedder: Embedder, progress: Callable[[int], None] = lambda _: None
) -> Models:
    """Everything for `understand`.

    The first call for a taxonomy embeds and trains (seconds), later ones read.
    """
    taxonomy = loader.intents()
    path = cache / f"intents-{_digest(taxonomy)}.npz"
    if not path.exists():
        await _train(taxonomy, path, embedder, progress)
    return Models(
        {intent.name: intent for intent in taxonomy},
        read_head(path),
        EntityFinder(loader.gazetteer()),
        loader.lexicon(),
    )


def load_brain(models: Models) -> Brain:
    """Everything for `plan_turn`."""
    return Brain(models.intents, loader.cues(), loader.texts(), loader.thresholds(), loader.calendar())


def read_head(path: Path) -> IntentModel:
    """An intent head from arrays and JSON; nothing in it is ever executed."""
    with np.load(path, allow_pickle=False) as stored:
        rest = msgspec.json.decode(stored["rest"].tobytes())
        arrays = {name: stored[name] for name in ARRAYS}
    return IntentModel(
        tuple(rest["names"]),
        arrays["weights"],
        arrays["bias"],
        arrays["utterances"],
        rest["temperature"],
        tuple(rest["energy"]),
        tuple(rest["distance"]),
        rest["threshold"],
    )


async def _train(
    taxonomy: list[Intent], path: Path, embedder: Embedder, progress: Callable[[int], None]
) -> None:
    from domain.nlu.training import train  # noqa: PLC0415  # scikit-learn takes 2 s that only training needs

    utterances = [utterance for intent in taxonomy for utterance in intent.utterances]
    head = train(taxonomy, await embedder.embed_all(utterances, progress))
    fields = msgspec.structs.asdict(head)
    rest = msgspec.json.encode({name: value for name, value in fields.items() if name not in ARRAYS})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, rest=np.frombuffer(rest, np.uint8), **{name: fields[name] for name in ARRAYS})
    Path(temporary).replace(path)


def _digest(taxonomy: list[Intent]) -> str:
    return hashlib.sha256(msgspec.json.encode((MODEL_ID, taxonomy))).hexdigest()[:16]
