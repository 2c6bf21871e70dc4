"""`casepilot apex` and `casepilot soql`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from entrypoints.cli import app

FINE, WRONG = "SELECT Id FROM Account LIMIT 1", "SELECT Nam FROM Account LIMIT 1"
PLAN = {
    "name": "Plan__c",
    "fields": [
        {"name": "Id", "type": "id"},
        {"name": "Fee__c", "type": "currency", "externalId": True},
        {"name": "Text__c", "type": "textarea", "filterable": False},
        {
            "name": "OwnerId",
            "type": "reference",
            "relationshipName": "Owner",
            "referenceTo": ["Group", "User"],
        },
        {"name": "A__c", "type": "reference", "relationshipName": "A__r", "referenceTo": ["Account"]},
    ],
    "childRelationships": [
        {"childSObject": "Part__c", "relationshipName": "Parts__r"},
        {"childSObject": "X"},
    ],
}


def run(*arguments: str, given: str | None = None) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, arguments, input=given)
    return found.exit_code, found.stdout, found.stderr


def items(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_one_query_is_checked_and_an_error_is_exit_1() -> None:
    assert run("soql", FINE)[:2] == (0, f"{FINE}: nothing found\n")

    code, shown, _ = run("soql", WRONG)

    assert code == 1
    assert "1:8  error    UnknownField: Account has no field Nam (INVALID_FIELD)." in shown
    assert "Did you mean Name?" in shown
    assert f"mended: {FINE.replace('Id', 'Name')}" in shown


@pytest.mark.parametrize("named", [True, False])
def test_a_file_has_one_query_a_line_plain_or_as_json(tmp_path: Path, *, named: bool) -> None:
    file = tmp_path / "queries.txt"
    file.write_text(f"{FINE}\n\n{json.dumps({'q': WRONG})}\n")

    code, shown, _ = run("soql", *(["--file"] if named else []), str(file), "--json")

    assert code == 1
    assert [(one["q"], one["ok"]) for one in items(shown)] == [(FINE, True), (WRONG, False)]
    assert items(shown)[0]["findings"] == []


def test_queries_are_read_from_standard_input() -> None:
    code, shown, _ = run("soql", "--file", "-", "--json", given=f"{FINE}\n")

    assert (code, items(shown)) == (0, [{"ok": True, "findings": [], "q": FINE}])


def test_variables_may_stand_in_apex_only() -> None:
    query = "SELECT Id FROM Account WHERE Name = :name"

    assert run("soql", query)[0] == 1
    assert run("soql", "--in-apex", query)[0] == 0


@pytest.mark.parametrize("folder", [True, False])
def test_a_describe_of_the_org_makes_its_names_known(tmp_path: Path, *, folder: bool) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN))
    known = ["--describe", str(tmp_path if folder else file)]

    fine = "SELECT Fee__c, Owner.Name, A__r.Name, (SELECT Id FROM Parts__r) FROM Plan__c WHERE Fee__c = 5"
    assert run("soql", fine, *known)[0] == 0
    assert run("soql", "SELECT Fees__c FROM Plan__c LIMIT 1")[0] == 0
    assert run("soql", "SELECT Fees__c FROM Plan__c LIMIT 1", *known)[0] == 1
    assert "LongTextFilter" in run("soql", "SELECT Id FROM Plan__c WHERE Text__c = 'x'", *known)[1]


def test_classes_are_checked_by_the_version_beside_them(tmp_path: Path) -> None:
    file = tmp_path / "A.cls"
    file.write_text("public class A { void f() { insert x; } }")

    assert "nothing found" in run("apex", str(file))[1]
    file.with_name("A.cls-meta.xml").write_text("<ApexClass><apiVersion>60.0</apiVersion></ApexClass>")
    assert "ApexCRUDViolation" in run("apex", str(file))[1]
    assert "nothing found" in run("apex", "--api-version", "67", str(file))[1]


def test_a_class_that_does_not_compile_is_exit_1() -> None:
    code, shown, _ = run("apex", "-", "--json", given="public class A { void f( }")

    assert code == 1
    assert (items(shown)[0]["ok"], items(shown)[0]["file"]) == (False, "-")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["soql"], "write a query"),
        (["soql", "--file", "/nowhere"], "/nowhere"),
        (["apex", "/nowhere"], "/nowhere"),
        (["soql", FINE, "--describe", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_usage_is_told_in_one_line(arguments: list[str], said: str) -> None:
    code, _, complaint = run(*arguments)

    assert code == 2
    assert said in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "arguments", "said"),
    [
        (b"\xff\xfe", ["apex"], "no UTF-8 text"),
        (b'{"x": 1}', ["soql", "--file"], "line 1"),
        (b"[]", ["soql", FINE, "--describe"], "no describe"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, data: bytes, arguments: list[str], said: str) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(data)

    code, _, complaint = run(*arguments, str(file))

    assert code == 2
    assert said in complaint


def test_an_error_is_explained_from_text_file_or_standard_input(tmp_path: Path) -> None:
    text = (
        "System.NullPointerException: Attempt to de-reference a null object\n\nClass.A.b: line 12, column 1"
    )
    file = tmp_path / "error.txt"
    file.write_text(text)

    found = [run("explain", text), run("explain", str(file)), run("explain", "-", given=text)]

    assert [code for code, _, _ in found] == [0, 0, 0]
    assert len({shown for _, shown, _ in found}) == 1
    assert "at    Class.A.b, line 12, column 1" in found[0][1]
    assert json.loads(run("explain", text, "--json")[1])[0]["code"] == "System.NullPointerException"


def test_a_text_without_an_error_is_exit_1() -> None:
    assert run("explain", "all is well")[:2] == (1, "No error of Salesforce is in this text.\n")


def test_the_right_finding_first_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    problems = [
        ("a", "soql", WRONG, ["UnknownField"]),
        ("b", "soql", FINE, ["none"]),
        ("c", "soql", "SELECT Id FROM Lead", ["LeadingWildcard"]),
        ("d", "apex", "public class A { void f( }", ["syntax"]),
        ("e", "rest", '[{"errorCode":"NOT_FOUND"}]', ["NOT_FOUND"]),
        ("f", "log", "nothing", ["System.DmlException"]),
    ]
    names = "id", "kind", "text", "expected"
    file.write_text("\n".join(json.dumps(dict(zip(names, one, strict=True))) for one in problems))

    found = json.loads(run("eval", "code", "--problems", str(file), "--json")[1])

    assert found["total"] == {"problems": 6, "right": 66.7}
    assert found["by_kind"]["soql"] == {"problems": 3, "right": 66.7}
    assert [(one["id"], one["found"]) for one in found["missed"]] == [
        ("c", "AvoidNonRestrictiveQueries"),
        ("f", "none"),
    ]
    assert (
        "c: AvoidNonRestrictiveQueries, expected LeadingWildcard"
        in run("eval", "code", "--problems", str(file))[1]
    )


@pytest.mark.parametrize(("data", "said"), [("", "no problems"), ("{}", "line 1")])
def test_a_bad_file_of_problems_is_told(tmp_path: Path, data: str, said: str) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text(data)

    code, _, complaint = run("eval", "code", "--problems", str(file))

    assert code == 2
    assert said in complaint
    assert run("eval", "code", "--problems", "/nowhere")[0] == 2
