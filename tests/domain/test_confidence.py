"""How sure we are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import thresholds
from domain.confidence import CERTAIN, Confidence, Thresholds, confidence, relevance
from tests.builders import a_hit

MODEL = Thresholds(bias=-5.0, cosine=10.0, coverage=2.0, floor=0.6, hint=0.3)
PARTS = st.floats(0, 1)


def test_without_a_hit_nothing_is_relevant() -> None:
    assert relevance(None, MODEL) == 0.0
    assert confidence(None, 1.0, MODEL) == Confidence(0.0, 0.0, 0.0, 1.0)


def test_relevance_is_the_logistic_model() -> None:
    hit = a_hit(cosine=0.4, coverage=0.5)

    assert relevance(hit, MODEL) == pytest.approx(0.5)


@given(cosine=st.floats(-1, 1), coverage=PARTS)
def test_relevance_is_a_probability_under_the_starter_model(cosine: float, coverage: float) -> None:
    assert 0 <= relevance(a_hit(cosine=cosine, coverage=coverage), thresholds()) <= 1


@given(low=PARTS, high=PARTS, coverage=PARTS)
def test_a_nearer_passage_is_never_less_relevant(low: float, high: float, coverage: float) -> None:
    low, high = sorted((low, high))

    far = relevance(a_hit(cosine=low, coverage=coverage), MODEL)
    near = relevance(a_hit(cosine=high, coverage=coverage), MODEL)

    assert far <= near


def test_confidence_is_relevance_times_support_with_its_parts() -> None:
    hit = a_hit(cosine=0.4, coverage=0.5)

    found = confidence(hit, 2 / 3, MODEL)

    assert found == Confidence(value=0.333, cosine=0.4, coverage=0.5, support=0.667)


def test_nothing_is_more_certain_than_the_model_allows() -> None:
    assert confidence(a_hit(cosine=1.0, coverage=1.0), 1.0, MODEL).value == CERTAIN


def test_an_unsupported_answer_has_no_confidence() -> None:
    assert confidence(a_hit(cosine=1.0), 0.0, MODEL).value == 0.0
