"""Everything understood of one message."""

from domain.nlu.entities import EntityFinder, EntityType, Gazetteer
from domain.nlu.intents import Guesser
from domain.nlu.sentiment import Lexicon
from domain.nlu.understanding import UNKNOWN, Language, Models, Understanding, understand
from tests.builders import (
    a_unit_vector,
    an_intent,
    an_intent_model,
    an_understanding,
    lexical_feelings,
)

EAST = a_unit_vector(1, 0)
MODELS = Models(
    {"reset": an_intent("reset"), "billing": an_intent("billing")},
    Guesser(an_intent_model(("reset", "billing"), threshold=4.0)),
    EntityFinder(Gazetteer({"okta": (EntityType.ORG, "Okta")})),
    lexical_feelings(Lexicon(frozenset(), {"awful": -3.0}, {}, {}, {}, {}, {})),
)
ENGLISH = Language("en", 0.99)


def understood(text: str) -> Understanding:
    return understand(text, EAST, ENGLISH, MODELS)


def test_a_message_is_understood_in_all_its_parts() -> None:
    found = understood("This Okta login is awful")

    assert found.language == ENGLISH
    assert found.intent_name == "reset"
    assert [entity.value for entity in found.entities] == ["Okta"]
    assert found.sentiment.score < -0.5


def test_code_has_no_feelings() -> None:
    quoted = understood("Why does `awful` fail?\n```\nawful();\n```")

    assert quoted.sentiment.score == 0
    assert [entity.type for entity in quoted.entities] == [EntityType.CODE, EntityType.CODE]


def test_an_intent_that_is_not_known_is_unknown_by_name() -> None:
    assert an_understanding(intent="billing", known=True).intent_name == "billing"
    assert an_understanding(intent="billing", known=False).intent_name == UNKNOWN
