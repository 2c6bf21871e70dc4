"""How the customer feels, by the model that is trained on our own examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.embedding import MiniLmEmbedder, prepare
from adapters.starter.loader import affect, lexicon
from domain.errors import DataFileError
from domain.nlu.affect import EMOTIONS, STEPS, Feelings
from domain.nlu.sentiment import ASPECTS, Sentiment
from domain.nlu.stored import packed_affect, unpacked_affect
from domain.nlu.training import Felt, train_affect
from entrypoints.models import load_feelings
from tests.conftest import CACHE
from tests.fakes import BagOfWordsEmbedder

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder(prepare(CACHE))


@pytest.fixture(scope="module")
async def feelings(embedder: MiniLmEmbedder) -> Feelings:
    return await load_feelings(CACHE, embedder)


@pytest.mark.parametrize(
    ("text", "emotion", "sign"),
    [
        ("This is the third time I have to explain this. Unacceptable!!", "anger", -1),
        ("Thank you so much, it finally works, you saved my day", "joy", 1),
        ("I hate this, it is terrible!", "anger", -1),
        ("password reset", "neutral", 0),
        ("How do I add a field to a page layout?", "neutral", 0),
        ("I'm really worried that we will lose all the data before the audit tomorrow", "fear", -1),
        ("Honestly just disappointed, I had hoped for more from you.", "sadness", -1),
        ("Wait, what? The whole list vanished out of nowhere?!", "surprise", -1),
    ],
)
async def test_feelings_are_read(
    feelings: Feelings, embedder: MiniLmEmbedder, text: str, emotion: str, sign: int
) -> None:
    found = feelings.read(text, await embedder.embed(text))

    assert found.emotion == emotion
    assert (found.score > 0.2) - (found.score < -0.2) == sign
    assert (found.intensity > 0) is (emotion != "neutral")


@pytest.mark.parametrize(
    ("text", "aspect", "sign"),
    [
        ("Your invoices are a mess and far too expensive.", "billing", -1),
        ("Marisa from your team was wonderful, so patient with me!", "people", 1),
        ("Everything is painfully slow again since Monday.", "performance", -1),
    ],
)
async def test_aspects_are_felt_about(
    feelings: Feelings, embedder: MiniLmEmbedder, text: str, aspect: str, sign: int
) -> None:
    found = feelings.read(text, await embedder.embed(text)).aspects

    assert found[aspect] * sign > 0


async def test_what_was_read_is_remembered(feelings: Feelings) -> None:
    vector = np.zeros(384, np.float32)

    assert feelings.read("the very same words", vector) is feelings.read("the very same words", vector)


def test_the_examples_are_sound() -> None:
    examples = affect(Felt)

    assert len(examples) >= 2_000
    assert len({one.text for one in examples}) == len(examples)
    for one in examples:
        assert one.emotion in EMOTIONS
        assert one.score in STEPS
        assert (one.level > 0) is (one.emotion != "neutral")
        assert set(one.aspects) <= set(ASPECTS)


EXAMPLES = [
    Felt("awful invoice", -1.0, "anger", 4, {"billing": -1.0}),
    Felt("awful slow", -0.5, "anger", 2),
    Felt("good invoice", 1.0, "joy", 3, {"billing": 1.0}),
    Felt("good help", 0.5, "joy", 1),
    Felt("a question", 0.0, "neutral", 0),
    Felt("another question", 0.0, "neutral", 0),
]


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_has_feelings_in_range_and_a_stored_model_reads_alike(text: str) -> None:
    bags = BagOfWordsEmbedder()
    model = train_affect(EXAMPLES, np.array([bags.vector(one.text) for one in EXAMPLES]), lexicon())
    again = unpacked_affect(packed_affect(model))

    found = model.read(text, bags.vector(text), lexicon())

    assert found == again.read(text, bags.vector(text), lexicon())
    assert isinstance(found, Sentiment)
    assert -1 <= found.score <= 1
    assert 0 <= found.intensity <= 5
    assert found.emotion in EMOTIONS


@pytest.mark.parametrize("data", [b"", b"nonsense"])
def test_a_broken_model_is_refused(data: bytes) -> None:
    with pytest.raises(DataFileError, match="no model of feelings"):
        unpacked_affect(data)
