"""Asking for a fact, and reading it from an answer."""

import pytest

from domain.rules.asking import question, told
from domain.rules.facts import Fact, FactValue, Kind


def a_fact(kind: Kind, **more: object) -> Fact:
    return Fact("thing", kind, "Thing", "metadata.thing", **more)  # type: ignore[arg-type]  # one of its fields


@pytest.mark.parametrize(
    ("fact", "said", "value"),
    [
        (a_fact(Kind.NUMBER), "about 3,5 hours", 3.5),
        (a_fact(Kind.NUMBER, whole=True), "3.5", None),
        (a_fact(Kind.NUMBER, low=1, high=5), "7", None),
        (a_fact(Kind.NUMBER), "no idea", None),
        (a_fact(Kind.BOOLEAN), "Yes, please", True),
        (a_fact(Kind.BOOLEAN), "nope", False),
        (a_fact(Kind.BOOLEAN), "maybe", None),
        (a_fact(Kind.BOOLEAN), "No idea", None),
        (a_fact(Kind.BOOLEAN), "Right now I cannot check", None),
        (a_fact(Kind.NUMBER), "12,500 users", 12_500),
        (a_fact(Kind.NUMBER), "1.234.567,5", 1_234_567.5),
        (a_fact(Kind.NUMBER), "v2, about 300", None),
        (a_fact(Kind.NUMBER), "1.2.3", None),
        (a_fact(Kind.NUMBER), "9" * 400, None),
        (a_fact(Kind.TEXT, values=("gold", "silver")), "We have GOLD I think", "gold"),
        (a_fact(Kind.TEXT, values=("gold", "silver")), "goldish", None),
        (a_fact(Kind.TEXT), "  A-4711 ", "A-4711"),
        (a_fact(Kind.LIST, values=("red", "blue")), "blue and red", ("red", "blue")),
        (a_fact(Kind.LIST), "green", ("green",)),
        (a_fact(Kind.TIME), "tomorrow", None),
    ],
)
def test_answers_are_read_by_kind(fact: Fact, said: str, value: FactValue) -> None:
    assert told(fact, said) == value


def test_a_fact_is_asked_for_in_its_own_words_or_by_its_label() -> None:
    assert question(a_fact(Kind.TEXT)) == "thing?"
    assert question(a_fact(Kind.TEXT, question="Which thing?")) == "Which thing?"
