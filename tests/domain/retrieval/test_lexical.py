"""BM25, against the library it is made from."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from domain.retrieval.lexical import LexicalIndex, best

DOCUMENTS = [["reset", "password", "password"], ["login", "password"], ["flow", "error"], []]
TERM = st.sampled_from(["reset", "password", "login", "flow", "error", "user"])
CORPUS = st.lists(st.lists(TERM, max_size=8), min_size=1, max_size=12)
QUERY = st.lists(TERM | st.just("unseen"), max_size=6)


def covered(
    index: LexicalIndex, query: list[str], number: int, documents: Sequence[Sequence[str]] = DOCUMENTS
) -> float:
    return index.coverage(query, frozenset(documents[number]))


@settings(max_examples=100)
@given(CORPUS.filter(any), QUERY)
def test_scores_equal_those_of_rank_bm25(corpus: list[list[str]], query: list[str]) -> None:
    expected = BM25Okapi(corpus, k1=1.5, b=0.75).get_scores(query)

    scores = LexicalIndex(corpus).scores(query)

    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("corpus", [[], [[]], [[], []]], ids=["no documents", "an empty one", "empty ones"])
def test_a_corpus_without_words_scores_nothing(corpus: list[list[str]]) -> None:
    scores = LexicalIndex(corpus).scores(["password"])

    assert scores.tolist() == [0.0] * len(corpus)


@pytest.mark.parametrize("query", [[], ["unseen"]], ids=["empty", "unseen"])
def test_a_query_without_known_words_scores_nothing(query: list[str]) -> None:
    assert LexicalIndex(DOCUMENTS).scores(query).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_a_word_asked_twice_counts_twice() -> None:
    index = LexicalIndex(DOCUMENTS)

    assert index.scores(["flow", "flow"]).tolist() == (2 * index.scores(["flow"])).tolist()


def test_the_passage_with_the_rarer_word_scores_higher() -> None:
    scores = LexicalIndex(DOCUMENTS).scores(["password", "login"])

    assert int(np.argmax(scores)) == 1


def test_coverage_is_the_held_share_of_information() -> None:
    index = LexicalIndex(DOCUMENTS)

    whole = covered(index, ["login", "password"], 1)
    part = covered(index, ["login", "password"], 0)

    assert whole == 1.0
    assert 0 < part < 0.5


def test_coverage_weighs_words_by_their_rarity() -> None:
    index = LexicalIndex(DOCUMENTS)
    password, login, unseen = math.log(1 + 2.5 / 2.5), math.log(1 + 3.5 / 1.5), math.log(1 + 4.5 / 0.5)

    part = covered(index, ["login", "password"], 0)
    with_unseen = covered(index, ["login", "unseen"], 1)

    assert part == pytest.approx(password / (password + login))
    assert with_unseen == pytest.approx(login / (login + unseen))


def test_a_word_that_nobody_has_lowers_coverage_most() -> None:
    index = LexicalIndex(DOCUMENTS)

    assert covered(index, ["flow", "unseen"], 2) < covered(index, ["flow", "password"], 2)


@pytest.mark.parametrize("query", [[], ["unseen"], ["flow"]], ids=["empty", "unseen", "held elsewhere"])
def test_nothing_held_is_no_coverage(query: list[str]) -> None:
    assert covered(LexicalIndex(DOCUMENTS), query, 0) == 0.0


def test_repeats_do_not_change_coverage() -> None:
    index = LexicalIndex(DOCUMENTS)

    assert covered(index, ["login", "flow", "flow"], 1) == pytest.approx(covered(index, ["login", "flow"], 1))


@given(CORPUS, QUERY, st.data())
def test_coverage_is_a_share_and_whole_exactly_when_every_word_is_held(
    corpus: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(corpus) - 1))

    coverage = covered(LexicalIndex(corpus), query, number, corpus)

    assert 0 <= coverage <= 1
    assert (coverage == pytest.approx(1)) is (bool(query) and set(query) <= set(corpus[number]))


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0]), max_size=12), st.integers(1, 15))
def test_the_best_are_those_of_a_stable_sort(values: list[float], count: int) -> None:
    scores = np.array(values)

    expected = [n for n in np.argsort(-scores, kind="stable")[:count].tolist() if scores[n] > 0]

    assert best(scores, count).tolist() == expected
