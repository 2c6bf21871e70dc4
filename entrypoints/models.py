"""Loading what understanding needs; the intent model is trained once and kept by content hash."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from adapters.starter import loader
from adapters.starter.salesforce import apex_library, error_causes, standard_schema
from domain.errors import DataFileError
from domain.facts import Brain
from domain.nlu.affect import Feelings
from domain.nlu.entities import EntityFinder
from domain.nlu.evaluation import Evaluation, evaluate
from domain.nlu.intents import Guesser, IntentModel
from domain.nlu.stored import packed_affect, packed_model, unpacked_affect, unpacked_model
from domain.nlu.understanding import CODE, Models
from domain.salesforce.pasted import CodeLook
from domain.salesforce.syntax import check
from ports.inbound.train import Examples, Labelled, Taxonomy, digest, train_on
from ports.outbound.embedding import Embedder

GoingOn = Callable[[int], Awaitable[bool]]
OUT_OF_SCOPE = "out_of_scope"
LEXICON = loader.DATA / "sentiment.toml"
AFFECT_METHOD = "one layer, 1"
"""Changes with the method of training."""


def taxonomy() -> Taxonomy:
    """The intents that everybody has, with the messages that models are tested on."""
    labelled = loader.evaluation("intents", loader.Labelled)
    tests = tuple((one.text, None if one.intent == OUT_OF_SCOPE else one.intent) for one in labelled)
    return Taxonomy(tuple(loader.intents()), tuple(loader.out_of_scope()), tests)


def examples_of(everybody: Taxonomy) -> Examples:
    """What everybody's model is trained on."""
    return Examples({one.name: one.utterances for one in everybody.intents}, everybody.outliers)


async def load_models(cache: Path, embedder: Embedder) -> Models:
    """Everything for `understand`.

    The first call for a taxonomy embeds and trains (half a minute), later ones read.
    """
    threadpool_limits(1, "blas")  # one vector times a small matrix: more threads only spin
    everybody = taxonomy()
    examples = examples_of(everybody)
    path = cache / f"intents-{digest(embedder.model, examples)}.model"
    if not path.exists():
        write_model(path, await train_on(examples, embedder, going_on))
    return Models(
        {intent.name: intent for intent in everybody.intents},
        Guesser(read_model(path)),
        EntityFinder(loader.gazetteer()),
        await load_feelings(cache, embedder),
    )


async def load_feelings(cache: Path, embedder: Embedder) -> Feelings:
    """The model of feelings, trained once (a quarter of a minute) and then read."""
    lexicon, data = loader.lexicon(), loader.affect(dict[str, object])
    made_of = msgspec.json.encode((embedder.model, AFFECT_METHOD, loader.read_text(LEXICON), data))
    path = cache / f"affect-{hashlib.sha256(made_of).hexdigest()[:16]}.model"
    if not path.exists():
        from domain.nlu.training import Felt, train_affect  # noqa: PLC0415  # scikit-learn takes 2 s

        examples = loader.affect(Felt)
        vectors = await embedder.embed_all([CODE.sub(" ", one.text) for one in examples])
        model = await asyncio.to_thread(train_affect, examples, vectors, lexicon)
        _write(path, packed_affect(model))
    return Feelings(unpacked_affect(path.read_bytes()), lexicon)


async def going_on(_: int) -> bool:
    """Nobody stops it."""
    return True


def load_brain(models: Models) -> Brain:
    """Everything for `plan_turn`."""
    return Brain(
        models.intents,
        loader.cues(),
        loader.texts(),
        loader.thresholds(),
        loader.calendar(),
        loader.abbreviations(),
        loader.facets(),
        check,
        loader.first_names(),
        CodeLook(standard_schema(), apex_library(), error_causes()),
    )


async def evaluated(model: IntentModel, embedder: Embedder, messages: Sequence[Labelled]) -> Evaluation:
    """How a model does on (text, intent) messages; None is out of scope."""
    vectors = await embedder.embed_all([text for text, _ in messages])
    guesses = [model.guess(text, vector) for (text, _), vector in zip(messages, vectors, strict=True)]
    return evaluate(guesses, [label for _, label in messages])


def write_model(path: Path, model: IntentModel, evaluation: Evaluation | None = None) -> None:
    """Store a model, whole or not at all."""
    _write(path, packed_model(model, evaluation))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".model")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).replace(path)


def read_model(path: Path) -> IntentModel:
    """A stored model. Raises `DataFileError`."""
    try:
        return unpacked_model(path.read_bytes())
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except DataFileError as error:
        raise DataFileError(error.code, f"{path}: {error}") from error
