"""Code in answers: what can be parsed, and what is said of the rest."""

import re
from pathlib import Path

import pytest

from adapters.starter.loader import DATA
from adapters.starter.salesforce import apex_library, standard_schema
from domain.salesforce.apex.check import check_apex
from domain.salesforce.checking import Finding, unread
from domain.salesforce.soql.check import check_soql
from domain.salesforce.syntax import MAX_CODE, check

CODE = re.compile(r"^```(apex|soql)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TRIGGER = """trigger OnCase on Case (before insert) {
    for (Case one : Trigger.new) {
        one.Subject = [SELECT Name FROM Account WHERE Id = :one.AccountId LIMIT 1].Name;
    }
}"""


@pytest.mark.parametrize(
    ("code", "language"),
    [
        (TRIGGER, "apex"),
        ("List<Id> ids = new List<Id>(); System.debug(ids);", "apex"),
        ("@IsTest static void works() { Assert.isTrue(true); }", "apex"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Name LIKE 'A%' LIMIT 5", "soql"),
        ("SELECT COUNT(Id) total FROM Case GROUP BY Status HAVING COUNT(Id) > 1;", "soql"),
    ],
)
def test_what_salesforce_accepts_is_accepted(code: str, language: str) -> None:
    assert check(code, language) == ()


@pytest.mark.parametrize(
    ("code", "language", "line"),
    [
        ("Integer a = 1;\nInteger b = ;", "apex", 2),
        ("for (Case c : cases {\n}", "apex", 1),
        ("SELECT Id FROM WHERE Name = 'x'", "soql", 1),
        ("SELECT Id,\n  FROM Account WHERE", "soql", 1),
    ],
)
def test_what_cannot_be_parsed_is_found_where_it_is(code: str, language: str, line: int) -> None:
    found = check(code, language)

    assert found
    assert line in {one.line for one in found}
    assert all(one.column >= 1 and one.severity == "error" for one in found)


def test_endless_code_is_not_parsed() -> None:
    assert "at most" in check("a" * (MAX_CODE + 1), "apex")[0].message


def test_only_code_that_says_it_is_ours_is_checked() -> None:
    texts = [
        "```apex\nInteger b = ;\n```",
        "```json\n{\n```",
        "Integer b = ;",
        "```apex\nInteger b = 1;\n```",
    ]

    found = unread(texts, check)

    assert [(one.language, one.finding.line) for one in found] == [("Apex", 1)]


def test_a_warning_without_an_error_is_no_reason_to_warn() -> None:
    findings = (Finding(1, 1, "style", "warning", "Long.", "Cut it."),)

    assert unread(["```apex\nInteger b = 1;\n```"], lambda _code, _language: findings) == ()


@pytest.mark.parametrize("path", sorted((DATA / "articles").rglob("*.md")), ids=lambda path: path.stem)
def test_the_code_of_the_starter_articles_has_no_error(path: Path) -> None:
    schema, library = standard_schema(), apex_library()
    for language, code in CODE.findall(path.read_text()):
        found = (
            check_apex(code, schema, library)
            if language == "apex"
            else check_soql(code, schema, in_apex=True)
        )
        assert [one for one in found if one.severity == "error"] == [], code
