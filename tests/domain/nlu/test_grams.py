"""Words and pieces as features."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union

from domain.nlu.grams import pieces, vocabulary, words

TEXTS = ["reset my password", "the flow is not firing", "Reset the flow, reset it now!", "é à côté"]


def test_words_come_alone_and_in_twos() -> None:
    assert list(words("Reset my PASSWORD a")) == ["reset", "my", "password", "reset my", "my password"]


def test_pieces_stay_within_words_and_a_short_word_is_one() -> None:
    found = [piece[1:] for piece in pieces("ab c")]

    assert found == [" a", "ab", "b ", " ab", "ab ", " ab ", " c", "c ", " c "]


def test_a_text_of_unknown_features_has_none() -> None:
    columns, values = vocabulary(TEXTS).features("\u4f60\u597d")

    assert (len(columns), len(values)) == (0, 0)


@given(st.text(max_size=40))
def test_both_parts_have_unit_length_or_none(text: str) -> None:
    _, values = vocabulary([text, *TEXTS]).features(text)

    whole = math.fsum(values.astype(float) ** 2)
    assert whole == pytest.approx(round(whole), abs=1e-5)


def test_the_features_are_those_of_scikit_learn() -> None:
    theirs = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    rows = theirs.fit_transform(TEXTS).toarray()
    ours = vocabulary(TEXTS)

    for text, row in zip(TEXTS, rows, strict=True):
        _, values = ours.features(text)
        np.testing.assert_allclose(sorted(values), sorted(row[row > 0]), rtol=1e-5)
