"""Indexes that follow edits: the same as one built anew, stored and read back."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataFileError
from domain.ids import ArticleId
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.lexical import LexicalIndex
from domain.retrieval.passages import Hit, Passage
from domain.retrieval.scope import Scope
from domain.retrieval.snapshot import packed, unpacked
from domain.retrieval.vectors import VectorIndex
from tests.builders import a_passage
from tests.fakes import DIMENSIONS, BagOfWordsEmbedder

WORDS = ["reset", "password", "flow", "error", "report", "sandbox", "limit"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), max_size=12)
EVERYTHING = Scope(date(2026, 1, 1))
embedder = BagOfWordsEmbedder()


def an_index(passages: Sequence[Passage]) -> HybridIndex:
    vectors = [embedder.vector(passage.text) for passage in passages]
    return HybridIndex(passages, np.array(vectors, np.float32).reshape(len(passages), DIMENSIONS))


def search(index: HybridIndex, text: str) -> tuple[Hit, ...]:
    return index.search(Query(text, embedder.vector(text)), EVERYTHING, 50)


def figures(index: HybridIndex, text: str) -> dict[str, object]:
    """What was found with its figures, the last of which may be rounded otherwise."""
    return {
        hit.passage.id: pytest.approx((hit.score, hit.bm25, hit.cosine, hit.coverage), abs=2e-4)
        for hit in search(index, text)
    }


@settings(max_examples=60)
@given(before=TEXTS, after=TEXTS, gone=st.sets(st.integers(0, 11)), query=st.sampled_from(WORDS))
def test_a_changed_index_finds_what_a_new_one_does(
    before: list[str], after: list[str], gone: set[int], query: str
) -> None:
    old = [a_passage(text, article=f"A{n}", title="") for n, text in enumerate(before)]
    new = [a_passage(text, article=f"B{n}", title="") for n, text in enumerate(after)]
    stays = [passage for n, passage in enumerate(old) if n not in gone]
    vectors = an_index(new).vectors.rows if new else np.empty((0, DIMENSIONS), np.float32)

    changed = an_index(old).changed([ArticleId(f"A{n}") for n in gone], new, vectors)

    anew = an_index([*stays, *new])
    assert len(changed) == len(anew)
    expected = figures(anew, query)
    for same in (changed, changed.compact(), unpacked(packed(changed))):
        hits = search(same, query)
        assert {h.passage.id: (h.score, h.bm25, h.cosine, h.coverage) for h in hits} == expected


@given(
    before=st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=8),
    after=st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=8),
    dead=st.sets(st.integers(0, 7)),
)
def test_changed_statistics_are_those_of_the_living(
    before: list[list[str]], after: list[list[str]], dead: set[int]
) -> None:
    dead = {n for n in dead if n < len(before)}
    changed = LexicalIndex(before).changed(np.array(sorted(dead), np.int64), after)
    living = [n for n in range(len(before) + len(after)) if n not in dead]

    anew = LexicalIndex([([*before, *after])[n] for n in living])

    for word in WORDS:
        scores = changed.scores([word])
        np.testing.assert_allclose(scores[living], anew.scores([word]), rtol=1e-9, atol=1e-12)
        assert not scores[sorted(dead)].any()


@pytest.mark.parametrize(
    ("exact", "scanned"), [(400, 600), (50, 600), (50, 60)], ids=["exact", "codes", "cells"]
)
def test_vectors_grow_and_are_filtered_in_every_kind_of_index(exact: int, scanned: int) -> None:
    rows = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    grown = VectorIndex(rows[:200], exact, scanned).changed(rows[200:])
    even = np.arange(300) % 2 == 0

    nearest, cosines = grown.search(rows[250], 5)
    allowed, _ = grown.search(rows[250], 300, even)

    assert nearest[0] == 250
    np.testing.assert_allclose(cosines, rows[nearest] @ rows[250], atol=1e-5)
    assert even[allowed].all()
    assert not grown.search(rows[250], 5, np.zeros(300, bool))[0].size


def test_many_admitted_rows_are_searched_through_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.retrieval.vectors.FEW", 10)
    rows = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    even = np.arange(300) % 2 == 0

    for limits in ((400, 600), (50, 600), (50, 60)):
        places, _ = VectorIndex(rows, *limits).search(rows[250], 10, even)
        assert places[0] == 250
        assert even[places].all()


def test_a_crowded_index_says_so() -> None:
    index = an_index([a_passage(word, article=word) for word in WORDS])
    nothing = np.empty((0, index.vectors.rows.shape[1]), np.float32)

    assert not index.changed([ArticleId("flow")], [], nothing).crowded
    assert index.changed([ArticleId(word) for word in WORDS[:4]], [], nothing).crowded


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04nonsense"])
def test_a_broken_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(DataFileError, match="no index"):
        unpacked(data)


def test_identifiers_are_found_whole_before_their_parts() -> None:
    parts = a_passage("unable to lock the row of a table", article="PARTS", title="")
    whole = a_passage("the code UNABLE_TO_LOCK_ROW means two writers", article="WHOLE", title="")
    camel = a_passage("a LimitException stops it", article="CAMEL", title="")
    index = an_index([parts, whole, camel, *(a_passage(word, article=word, title="") for word in WORDS)])

    assert search(index, "UNABLE_TO_LOCK_ROW")[0].passage == whole
    assert search(index, "limit exception")[0].passage == camel


def test_codes_are_stored_and_of_other_rows_refused() -> None:
    rows = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    codes = VectorIndex(rows, 50, 60).codes

    again = VectorIndex.stored(rows, codes)

    assert VectorIndex(rows).codes == b""
    assert (
        again.search(rows[250], 5)[0].tolist() == VectorIndex(rows, 50, 60).search(rows[250], 5)[0].tolist()
    )
    for wrong in (codes[:50], b"nonsense"):
        with pytest.raises(ValueError, match="no codes"):
            VectorIndex.stored(rows, wrong)
    with pytest.raises(ValueError, match="other rows"):
        VectorIndex.stored(rows[:200], codes)
