"""The facts that rules may speak of."""

import pytest

from adapters.starter.loader import schema
from domain.message import MAX_CONTENT
from domain.rules.facts import Kind, RuleError, suggestion

FACTS = schema().facts


@pytest.mark.parametrize(("name", "fact"), FACTS.items(), ids=list(FACTS))
def test_every_fact_is_found_by_its_name(name: str, fact: object) -> None:
    assert schema().named(name, "R") is fact


def test_ranges_and_enumerations_fit_their_kind() -> None:
    for fact in FACTS.values():
        assert fact.label
        assert fact.kind is Kind.NUMBER or (fact.low is None and fact.high is None)
        assert not fact.values or fact.kind in {Kind.TEXT, Kind.LIST}
        assert fact.low is None or fact.high is None or fact.low < fact.high


def test_only_the_message_itself_is_personal() -> None:
    assert [fact.name for fact in FACTS.values() if fact.personal] == ["message_text"]


def test_a_message_may_be_as_long_as_its_fact_says() -> None:
    assert FACTS["message_length"].high == MAX_CONTENT


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "sentiment_scor",
            "RULE-9: there is no fact called 'sentiment_scor'; did you mean 'sentiment_score'?",
        ),
        ("Customer_Tier", "RULE-9: there is no fact called 'Customer_Tier'; did you mean 'customer_tier'?"),
        ("weather", "RULE-9: there is no fact called 'weather'."),
        ("", "RULE-9: there is no fact called ''."),
    ],
)
def test_an_unknown_fact_is_refused_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        schema().named(name, "RULE-9")

    assert refused.value.code == "unknown_fact"
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("word", "ending"),
    [("emial", "; did you mean 'email'?"), ("EMAIL", "; did you mean 'email'?"), ("fax", "."), (7, ".")],
)
def test_a_suggestion_ends_the_sentence(word: object, ending: str) -> None:
    assert suggestion(word, ("email", "slack")) == ending
