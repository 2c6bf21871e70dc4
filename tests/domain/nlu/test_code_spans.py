"""Where code begins and ends in a message."""

import pytest

from domain.nlu.code_spans import code_spans


def first(text: str) -> str | None:
    """The first span that is not inside another."""
    spans = sorted(code_spans(text), key=lambda span: (span[0], -span[1]))
    return text[slice(*spans[0])] if spans else None


@pytest.mark.parametrize(
    "code",
    [
        "`x = 1`",
        "SELECT Id FROM Case WHERE Status = 'New'",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account ORDER BY Name DESC NULLS LAST LIMIT 5",
        "SELECT Id FROM Case WHERE (IsClosed = false AND Owner.Name LIKE 'A%') OR Id IN :ids",
        "FIND {Ann} IN ALL FIELDS",
        "List<Account> found = [SELECT Id FROM Account];",
        "delete [SELECT Id FROM Log__c];",
        "for (Case c : all) { c.Status = 'a;b'; }",
        "trigger T on Account (before insert) { f(); }",
        "AND(ISBLANK(Phone), NOT(IsClosed))",
        'TEXT(YEAR(CloseDate)) & "/" & TEXT(1)',
        "sf project deploy start --source-dir force-app",
        "System.debug(a.b('x)'));",
    ],
)
def test_code_is_taken_whole_and_prose_is_not(code: str) -> None:
    assert first(f"We run {code} and it fails, why?") == code


@pytest.mark.parametrize(
    "text",
    [
        "Please select the second option from the list",
        "for me (and others) it fails",
        "If (as you say) it is closed, why?",
        "update me when it is done; thanks",
        "try it again and again",
        "The text (see above) is long",
    ],
)
def test_prose_is_no_code(text: str) -> None:
    assert first(text) is None


@pytest.mark.parametrize(
    "text", ["for (" * 1_000, "SELECT a, " * 500, "IF(" * 1_600, "'" * 5_000, "List<" * 1_000, "A." * 2_500]
)
def test_hostile_text_ends(text: str) -> None:
    assert all(0 <= start < end <= len(text) for start, end in code_spans(text))
