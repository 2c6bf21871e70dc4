"""Words and meaning together."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.passages import Hit, Passage
from domain.retrieval.scope import Scope
from tests.builders import a_passage, a_unit_vector
from tests.fakes import BagOfWordsEmbedder

EAST, NORTH, WEST = a_unit_vector(1, 0, 0), a_unit_vector(0, 1, 0), a_unit_vector(0, 0, 1)
NOWHERE = a_unit_vector(1, 1, 1)

PASSWORD = a_passage("Reset the password by mail.", article="A", title="Password")
FLOW = a_passage("A flow fails with a fault path.", article="B", title="Flow")
REPORT = a_passage("Schedule a dashboard refresh.", article="C", title="Report")


def an_index(*found: tuple[Passage, NDArray[np.float32]]) -> HybridIndex:
    return HybridIndex([p for p, _ in found], np.array([vector for _, vector in found], np.float32))


def find(index: HybridIndex, text: str, vector: NDArray[np.float32], count: int = 5) -> tuple[Hit, ...]:
    return index.search(Query(text, vector), Scope(date(2026, 1, 1)), count)


THREE = an_index((PASSWORD, EAST), (FLOW, NORTH), (REPORT, WEST))


def test_an_empty_index_finds_nothing() -> None:
    empty = HybridIndex([], np.empty((0, 3), np.float32))

    assert find(empty, "password", EAST) == ()


def test_the_best_by_words_wins_when_meaning_says_nothing() -> None:
    hits = find(THREE, "Which fault path has my flow?", NOWHERE)

    assert hits[0].passage == FLOW
    assert hits[0].bm25 > 0


def test_the_best_by_meaning_wins_when_no_word_is_shared() -> None:
    hits = find(THREE, "Mot de passe perdu", EAST)

    assert hits[0].passage == PASSWORD
    assert hits[0].cosine == pytest.approx(1.0)
    assert hits[0].bm25 == 0


def test_the_best_by_both_beats_the_best_by_either() -> None:
    between = a_unit_vector(0.8, 0.7, 0)
    by_words = (a_passage("reset reset password login user", article="W"), WEST)
    by_meaning = (a_passage("something else entirely", article="M"), between)
    by_both = (a_passage("reset password", article="B"), EAST)
    others = [(a_passage(f"other text {n}", article=f"O{n}"), WEST) for n in range(4)]

    hits = find(
        an_index(by_words, by_meaning, by_both, *others), "reset password login", a_unit_vector(1, 0.4, 0)
    )

    assert hits[0].passage == by_both[0]
    assert hits[0].score > max(hit.score for hit in hits[1:])


def test_hits_come_best_first_and_carry_every_measure() -> None:
    hits = find(THREE, "reset password", EAST, 3)

    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].score == 1.0
    assert hits[0].coverage == 1.0
    assert hits[-1].coverage == 0.0


@pytest.mark.parametrize(("count", "found"), [(1, 1), (2, 2), (3, 3), (5, 3), (500, 3)])
def test_no_more_passages_are_found_than_there_are(count: int, found: int) -> None:
    assert len(find(THREE, "password flow dashboard", NOWHERE, count)) == found


def test_the_opening_of_the_best_article_comes_along_last() -> None:
    opening = a_passage("About users.", article="A", number=0, title="Users")
    section = a_passage("Reset the password.", article="A", number=1, title="Users")
    another = a_passage("A password policy.", article="B", number=0, title="Policies")
    index = an_index((opening, WEST), (section, EAST), (another, a_unit_vector(1, 0.2, 0)))

    hits = find(index, "reset password", EAST, 2)

    assert [hit.passage.id for hit in hits] == ["A#1", "B#0", "A#0"]
    assert hits[-1].cosine == pytest.approx(0.0)


def test_the_opening_is_not_repeated_when_it_is_among_the_best() -> None:
    opening = a_passage("Reset the password.", article="A", number=0)
    section = a_passage("More on passwords.", article="A", number=1)

    hits = find(an_index((opening, EAST), (section, EAST)), "reset password", EAST)

    assert sorted(hit.passage.id for hit in hits) == ["A#0", "A#1"]


def test_a_question_of_stop_words_is_answered_by_meaning_alone() -> None:
    hits = find(THREE, "how do I do it", NORTH)

    assert hits[0].passage == FLOW
    assert {hit.bm25 for hit in hits} == {0.0}


@pytest.mark.parametrize(("vector", "score"), [(EAST, 0.5), (-EAST, 0.0)], ids=["alike", "opposite"])
def test_a_lone_passage_scores_by_whether_it_matches_at_all(
    vector: NDArray[np.float32], score: float
) -> None:
    [hit] = find(an_index((PASSWORD, EAST)), "Mot de passe", vector)

    assert hit.score == score


def test_candidates_are_the_fifty_nearest_and_those_that_share_words() -> None:
    many = [(a_passage(f"Text {n}", article=f"A{n}"), a_unit_vector(1, n / 100, 0)) for n in range(60)]
    worded = (a_passage("Sandbox refresh", article="B"), WEST)

    hits = find(an_index(*many, worded), "sandbox", EAST, 100)

    assert len(hits) == 51
    assert {hits[0].passage.id, hits[1].passage.id} == {"A0#0", "B#0"}


def test_titles_and_headings_are_searched_too() -> None:
    headed = a_passage("Click the link.", article="H", heading="Two-factor device lost")

    hits = find(an_index((headed, WEST), (FLOW, WEST)), "lost device", WEST)

    assert hits[0].passage == headed
    assert hits[0].coverage == 1.0


WORDS = st.lists(st.sampled_from(["reset", "password", "flow", "report", "login"]), min_size=1, max_size=5)


@given(st.lists(WORDS, min_size=1, max_size=12), WORDS, st.integers(1, 8))
def test_every_measure_stays_in_its_range(found: list[list[str]], question: list[str], count: int) -> None:
    embedder = BagOfWordsEmbedder()
    texts = [" ".join(words) for words in found]
    index = HybridIndex(
        [a_passage(text, article=f"A{n}") for n, text in enumerate(texts)],
        np.array([embedder.vector(text) for text in texts]),
    )

    hits = find(index, " ".join(question), embedder.vector(" ".join(question)), count)

    assert len(hits) == min(count, len(found))
    assert len({hit.passage.id for hit in hits}) == len(hits)
    for hit in hits:
        assert 0 <= hit.score <= 1
        assert 0 <= hit.coverage <= 1
        assert -1.001 <= hit.cosine <= 1.001
