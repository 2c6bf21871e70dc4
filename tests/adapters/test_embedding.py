"""Real embeddings: near for alike texts, the same for the same text, refused for other weights."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adapters.embedding import DIMENSIONS, MiniLmEmbedder, prepare
from adapters.system import LangidDetector, TimeOrderedIds
from tests.conftest import CACHE


@pytest.fixture(scope="module")
def embedder() -> Iterator[MiniLmEmbedder]:
    opened = MiniLmEmbedder(prepare(CACHE))
    yield opened
    opened.close()


async def test_alike_questions_are_near_and_others_far(embedder: MiniLmEmbedder) -> None:
    asked = await embedder.embed("How do I reset my password?")
    alike = await embedder.embed("I forgot my password and cannot log in")
    other = await embedder.embed("give me a lasagne recipe")

    assert asked @ alike > 0.6
    assert asked @ other < 0.2


async def test_vectors_have_length_one_and_do_not_depend_on_the_batch(embedder: MiniLmEmbedder) -> None:
    texts = ["short", "a somewhat longer text about sharing rules", "x" * 3_000, "Flow"]
    done: list[int] = []

    together = await embedder.embed_all(texts, done.append)
    alone = np.array([await embedder.embed(text) for text in texts])

    assert together.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.array_equal(together, alone)
    assert done[-1] == 4


async def test_spacing_and_case_share_a_cached_vector(embedder: MiniLmEmbedder) -> None:
    assert await embedder.embed("  Reset   Password ") is await embedder.embed("reset password")


async def test_no_texts_give_no_vectors(embedder: MiniLmEmbedder) -> None:
    assert (await embedder.embed_all([])).shape == (0, DIMENSIONS)


def test_the_model_is_built_once(tmp_path: Path) -> None:
    first = prepare(tmp_path)
    built = first.stat().st_mtime_ns

    assert prepare(tmp_path).stat().st_mtime_ns == built
    assert list(tmp_path.iterdir()) == [first]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Wie setze ich mein Passwort zurück, wenn ich es vergessen habe?", "de"),
        ("Je n'arrive pas à me connecter à mon compte depuis ce matin", "fr"),
        ("How do I reset the password of another user in my org?", "en"),
        ("SELECT Id FROM Account", "en"),
        ("`for (Account a : accounts)` UNABLE_TO_LOCK_ROW", "en"),
        ("😀😀", "en"),
        ("ログインできません。パスワードを忘れました", "ja"),
    ],
)
def test_language_is_detected_and_code_is_no_language(text: str, code: str) -> None:
    assert LangidDetector().detect(text).code == code


def test_ids_are_ordered_by_time() -> None:
    ids = TimeOrderedIds()
    made = [ids.fresh() for _ in range(100)]

    assert made == sorted(made)
    assert len(set(made)) == 100
    assert made[0].version == 7
