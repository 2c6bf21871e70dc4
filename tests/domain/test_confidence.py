"""How sure we are."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import thresholds
from domain.confidence import CERTAIN, Confidence, Thresholds, confidence, relevance
from domain.nlu.intents import IntentGuess
from tests.builders import a_hit, a_passage

MODEL = Thresholds(bias=-5.0, cosine=10.0, coverage=2.0, floor=0.6, hint=0.3)
PARTS = st.floats(0, 1)


def test_without_a_hit_nothing_is_relevant() -> None:
    assert relevance(None, MODEL) == 0.0
    assert confidence([], 1.0, MODEL) == Confidence(0.0, 0.0, 0.0, 1.0, telling=1.0)


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

    found = confidence([hit], 2 / 3, MODEL)

    assert found == Confidence(0.333, 0.4, 0.5, 0.667, margin=0.4, agreement=1.0, telling=1.0)


def test_nothing_is_more_certain_than_the_model_allows() -> None:
    assert confidence([a_hit(cosine=1.0, coverage=1.0)], 1.0, MODEL).value == CERTAIN


def test_an_unsupported_answer_has_no_confidence() -> None:
    assert confidence([a_hit(cosine=1.0)], 0.0, MODEL).value == 0.0


def test_what_is_right_has_a_model_of_its_own() -> None:
    model = Thresholds(-5.0, 10.0, 2.0, 0.6, 0.3, right=(0.0, 0.0, 0.0, 4.0, 0.0, 1.0, -1.0, -9.0, 0.5))
    hits = [
        a_hit(a_passage(article="A"), cosine=0.9),
        a_hit(a_passage(article="A", number=1), cosine=0.8),
        a_hit(a_passage(article="B"), cosine=0.4),
        a_hit(a_passage(article="C"), cosine=0.3),
    ]

    known = confidence(hits, 1.0, model, IntentGuess("x", 0.5, known=True, novelty=0.0))
    unknown = confidence(hits, 1.0, model, IntentGuess("x", 0.5, known=False, novelty=1.0))

    assert (known.margin, known.agreement, known.intent, unknown.intent) == (0.5, 0.5, 0.5, 0.0)
    assert known.value == pytest.approx(1 / (1 + math.exp(-3.0)), abs=1e-3)
    assert unknown.value == pytest.approx(1 / (1 + math.exp(-1.5)), abs=1e-3)


def test_a_message_that_says_little_is_answered_less_surely() -> None:
    model = Thresholds(-5.0, 10.0, 2.0, 0.6, 0.3, right=(0.0, *[0.0] * 7, 4.0))

    values = [confidence([a_hit()], 1.0, model, words=words).value for words in (1, 3, 5, 50)]

    assert values[0] < values[1] < values[2] == values[3]
