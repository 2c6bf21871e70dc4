"""How the customer feels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import lexicon as starter_lexicon
from domain.nlu.sentiment import Lexicon, Sentiment, bare, by_lexicon

TINY = Lexicon(
    negations=frozenset({"not", "never", "isn't"}),
    valence={"good": 2.0, "bad": -2.0, "ok": 1.0, "error": -0.1},
    phrases={"fed up": -3.0, "not bad": 1.0},
    boosters={"very": 0.3, "slightly": -0.3},
    emoji={"\N{POUTING FACE}": -3.0, "\N{GRINNING FACE}": 3.0},
    emotion={"joy": frozenset({"good"}), "anger": frozenset({"bad", "awful"}), "fear": frozenset({"afraid"})},
    aspects={"billing": frozenset({"invoice"}), "support": frozenset({"support"})},
)
STARTER = starter_lexicon()


def sentiment(text: str, lexicon: Lexicon) -> Sentiment:
    return by_lexicon(bare(text), lexicon)


def score(text: str, lexicon: Lexicon = TINY) -> float:
    return sentiment(text, lexicon).score


def normal(total: float) -> float:
    return total / math.sqrt(total * total + 15)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("good", 2.0),
        ("bad", -2.0),
        ("good and bad", 0.0),
        ("very good", 2.3),
        ("very bad", -2.3),
        ("slightly bad", -1.7),
        ("very, er, good", 2.0 + 0.3 * 0.95),
        ("very one two three good", 2.0),
        ("not good", -1.48),
        ("isn't good", -1.48),
        ("never very good", 2.3 * -0.74),
        ("not one two three good", 2.0),
        ("not really that good", -1.48),
        ("a GOOD day", 2.733),
        ("a BAD day", -2.733),
        ("A GOOD DAY", 2.0),
        ("LOOK, a good day", 2.0),
        ("LOOK, a day so OK", 1.0),
        ("good!", 2.292),
        ("bad!!", -2.584),
        ("good!!!!!!!!!!", 3.168),
        ("!!!!", 0.0),
        ("I am fed up", -3.0),
        ("I am fed  up, bad", -5.0),
        ("this is not bad", 1.0),
        ("\N{POUTING FACE}", -3.0),
        ("good\N{GRINNING FACE}", 5.0),
        ("goodness badly", 0.0),
        ("", 0.0),
    ],
)
def test_words_in_context_add_up_to_a_score(text: str, total: float) -> None:
    assert score(text) == pytest.approx(normal(total), abs=0.0006)


def test_a_typographic_apostrophe_negates_too() -> None:
    assert score("isn\u2019t good") == score("isn't good")


@pytest.mark.parametrize(
    ("text", "emotion", "intensity"),
    [
        ("good", "joy", 3),
        ("bad bad awful", "anger", 4),
        ("I am afraid", "fear", 0),
        ("\N{POUTING FACE}", "anger", 4),
        ("\N{GRINNING FACE}", "joy", 4),
        ("an error", "neutral", 0),
        ("", "neutral", 0),
    ],
)
def test_the_emotion_is_the_one_with_most_words_or_follows_the_score(
    text: str, emotion: str, intensity: int
) -> None:
    found = sentiment(text, TINY)

    assert (found.emotion, found.intensity) == (emotion, intensity)


def test_an_empty_lexicon_feels_nothing() -> None:
    empty = Lexicon(frozenset(), {}, {}, {}, {}, {}, {})

    assert sentiment("good bad \N{POUTING FACE}!", empty) == Sentiment(0.0, "neutral", 0)


VOCABULARY = st.sampled_from(
    [
        *sorted(STARTER.valence)[::40],
        *sorted(STARTER.phrases)[::10],
        *sorted(STARTER.boosters)[::5],
        *sorted(STARTER.negations)[::5],
        *sorted(STARTER.emoji)[::5],
        "TERRIBLE",
        "!!!",
        "Account",
    ]
)


@given(st.lists(VOCABULARY | st.text(max_size=5), max_size=40).map(" ".join))
def test_every_figure_stays_in_its_range(text: str) -> None:
    found = sentiment(text, STARTER)

    assert -1 <= found.score <= 1
    assert 0 <= found.intensity <= 5
    assert found.emotion in {*STARTER.emotion, "neutral"}


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("This is unacceptable, I am furious!", -0.6),
        ("WORST support EVER, thanks for nothing", -0.6),
        ("I am fed up with this useless product", -0.5),
        ("We are very disappointed and losing customers", -0.5),
        ("\N{POUTING FACE}\N{POUTING FACE}", -0.5),
        ("It is not good", -0.2),
    ],
)
def test_unhappy_customers_score_low(text: str, most: float) -> None:
    assert score(text, STARTER) <= most


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("Thank you so much, that was very helpful!", 0.5),
        ("Great, it works perfectly now", 0.4),
        ("This is awesome", 0.4),
        ("Not bad at all", 0.0),
    ],
)
def test_happy_customers_score_high(text: str, least: float) -> None:
    assert score(text, STARTER) >= least


@pytest.mark.parametrize(
    "text",
    [
        "How do I reset my password?",
        "System.LimitException: Too many SOQL queries: 101",
        "The deployment failed with the error INVALID_FIELD on Account.",
        "My trigger throws a NullPointerException on line 12.",
        "Where do I find the debug log of a flow?",
        "Please add a validation rule to the object.",
        "SELECT Id, Name FROM Contact WHERE AccountId != null",
    ],
)
def test_technical_text_is_no_mood(text: str) -> None:
    assert abs(score(text, STARTER)) <= 0.2


def test_a_stronger_complaint_scores_lower() -> None:
    ladder = ["This is bad", "This is very bad", "This is very BAD", "This is very BAD!!!"]

    scores = [score(text, STARTER) for text in ladder]

    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4
