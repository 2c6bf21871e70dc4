"""Code and errors in messages, and what the customer is told of them."""

import pytest

from adapters.starter.salesforce import apex_library, error_causes, standard_schema
from domain.salesforce.pasted import CodeLook, Looked, all_told, code_told, pieces
from tests.builders import some_texts

LOOK = CodeLook(standard_schema(), apex_library(), error_causes())
NESTED = "SELECT Id, (SELECT Id FROM Contact) FROM Account"
TRIGGER = "trigger T on Account (before insert) { for (Account a : Trigger.new) { update a; } }"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"My query for Accounts with related Contacts fails: {NESTED}", [("soql", NESTED)]),
        (
            "SELECT Id FROM Lead WHERE Name IS NULL does not work",
            [("soql", "SELECT Id FROM Lead WHERE Name IS NULL")],
        ),
        ("SELECT Id\nFROM Lead\nLIMIT 1\n\nWhy is it slow?", [("soql", "SELECT Id\nFROM Lead\nLIMIT 1")]),
        (
            "Lead l = [SELECT Id FROM Lead WHERE Name = :n]; fails",
            [("soql", "[SELECT Id FROM Lead WHERE Name = :n]")],
        ),
        ("SELECT Id FROM Lead gives an error about it, what is wrong", [("soql", "SELECT Id FROM Lead")]),
        ("```\nselect id from lead\n```", [("soql", "select id from lead")]),
        ("```soql\nSELECT Id FROM Lead\n```", [("soql", "SELECT Id FROM Lead")]),
        (f"```\n{TRIGGER}\n``` why?", [("apex", TRIGGER)]),
        (f"here it is {TRIGGER} and it fails", [("apex", TRIGGER)]),
        ("```json\n{}\n```", []),
        ("I want to select the second option from the list", []),
        ("", []),
    ],
)
def test_code_is_found_in_a_message(text: str, found: list[tuple[str, str]]) -> None:
    assert list(pieces(text)) == found


def test_a_wrong_query_is_told_with_it_mended() -> None:
    told = code_told(LOOK(f"What is wrong here: {NESTED}"), some_texts())

    assert told.startswith("Looked at the SOQL:")
    assert "Account has no child relationship Contact" in told
    assert f"```soql\n{NESTED.replace('Contact', 'Contacts')}\n```" in told


def test_of_apex_errors_are_told_and_the_warnings_that_matter() -> None:
    [found] = LOOK(f"```apex\n{TRIGGER}\n```").code

    assert [one.rule for one in found.findings] == ["OperationWithLimitsInLoop"]


def test_right_code_and_plain_words_are_not_spoken_of() -> None:
    variable = "Lead l = [SELECT Id FROM Lead WHERE Name = :n]; throws it"
    elided = "SELECT Id, (SELECT ... FROM Contacts) FROM Account - how do i read them"
    cut = "SELECT Id FROM Lead WHERE Name = 'x' Gives An Error, why"
    for text in (
        "SELECT Id FROM Lead WHERE Industry = 'x'",
        variable,
        elided,
        cut,
        "How do I reset my password?",
    ):
        assert LOOK(text) == Looked()
        assert all_told(LOOK(text), some_texts()) == ""


def test_a_reported_error_is_explained_and_an_unknown_one_is_not_made_up() -> None:
    told = all_told(LOOK('[{"errorCode":"STRING_TOO_LONG"},{"errorCode":"BRAND_NEW"}]'), some_texts())

    assert told.startswith("**STRING_TOO_LONG**: ")
    assert "BRAND_NEW" not in told
