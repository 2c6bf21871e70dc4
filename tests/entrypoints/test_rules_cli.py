"""The rule lab on the command line, as a manager or a git hook would use it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from adapters.starter.loader import schema
from adapters.starter.rulefiles import read_file, read_source, to_yaml
from domain.errors import DataFileError
from domain.rules.facts import RuleError
from domain.rules.ruleset import read_ruleset
from entrypoints.cli import app
from tests.domain.rules.test_ruleset import RULE_ESC_001

STARTER = Path("adapters/starter/data/rules/starter.json")
DRAFT = """
rules:
  - id: R-1
    name: Angry customers
    priority: 10
    when: sentiment score is less than -0.4
    actions: [{type: escalate, queue: tier2}]
    examples: [{facts: {sentiment_score: -0.9}, fires: true}]
  - id: R-2
    name: Norwegian
    conditions: {field: language, operator: in, value: [no, en]}
    actions: [{type: tag, name: nordic}]
"""
TURNS = [
    {"id": "a", "at": "2026-03-02T09:00:00Z", "facts": {"sentiment_score": -0.5, "language": "no"}},
    {"id": "b", "at": "2026-03-02T10:00:00Z", "facts": {"sentiment_score": 0.5, "language": "de"}},
]


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["rules", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.yaml"
    path.write_text(DRAFT, encoding="utf-8")
    return path


@pytest.fixture
def turns(tmp_path: Path) -> Path:
    path = tmp_path / "turns.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(turn) for turn in TURNS))
    return path


def test_a_good_file_has_nothing_wrong(draft: Path) -> None:
    code, said, _ = run("check", draft, STARTER)

    assert (code, said.count("nothing wrong")) == (0, 2)


def test_the_customers_rule_is_taken_as_it_is_and_prints_as_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    path.write_text(RULE_ESC_001, encoding="utf-8")

    code, said, _ = run("say", path)

    assert code == 0
    assert said.splitlines()[1].strip() == (
        'When sentiment score is less than -0.5 and customer tier is "enterprise" and issue type is one of '
        '"billing", "security": escalate enterprise_support high, notify support_manager email, sla 15.'
    )


def test_every_wrong_rule_is_named_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        DRAFT.replace("sentiment score", "sentimnt score").replace("name: nordic", "nam: x"), "utf-8"
    )

    code, said, _ = run("check", path, "--json")

    assert code == 1
    assert json.loads(said)[0]["errors"] == [
        "R-1: 'sentimnt' begins no fact; did you mean 'sentiment_score'?",
        "R-2: the 'tag' action has no 'nam'; did you mean 'name'?",
    ]


def test_rules_that_clash_are_refused_by_the_check(tmp_path: Path) -> None:
    clash = DRAFT.replace("{type: tag, name: nordic}", "{type: escalate, queue: other}").replace(
        "name: Norwegian", "name: Norwegian\n    priority: 10"
    )
    path = tmp_path / "clash.yaml"
    path.write_text(clash, encoding="utf-8")

    code, said, _ = run("check", path, "--json")

    assert code == 1
    assert "differ in queue" in json.loads(said)[0]["errors"][0]


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("cyclic.yaml", "a: &a [*a]", "no YAML aliases"),
        ("deep.yaml", "[" * 10_000, "recursion"),
        ("deep.json", "[" * 10_000 + "]" * 10_000, "recursion"),
        ("broken.yaml", "rules: [", "expected the node content"),
        ("nan.yaml", "rules: [.nan]", "no number that a rule can hold"),
        ("keys.yaml", "1: 2", "put it in quotes"),
        ("tagged.yaml", "!!python/object/apply:os.getpid []", "could not determine a constructor"),
    ],
)
def test_a_hostile_file_gets_one_clear_line(tmp_path: Path, name: str, source: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")

    code, found, _ = run("check", path, "--json")

    [error] = json.loads(found)[0]["errors"]
    assert code == 1
    assert said in error
    assert name in error
    assert "\n" not in error


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as large:
        large.truncate(100 * 2**20)

    with pytest.raises(RuleError, match="104,857,600 bytes"):
        read_file(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"nothing\.yaml"):
        read_file(tmp_path / "nothing.yaml")


def test_the_starter_rules_survive_export_and_import() -> None:
    raw = read_file(STARTER)

    again = read_source(to_yaml(raw).encode(), "again", as_json=False)

    assert again == raw
    assert read_ruleset(again, "again", schema()).hash == read_ruleset(raw, "raw", schema()).hash


def test_examples_are_run_and_failures_named(draft: Path) -> None:
    good, said, _ = run("test", draft)
    draft.write_text(DRAFT.replace("sentiment_score: -0.9", "sentiment_score: 0.9"), encoding="utf-8")
    bad, complaint, _ = run("test", draft)

    assert (good, bad) == (0, 1)
    assert "1 examples hold." in said
    assert "R-2 has no example" in said
    assert "R-1: example 1 should fire and does not" in complaint


def test_a_backtest_promises_its_keys(draft: Path, turns: Path) -> None:
    code, said, _ = run("backtest", draft, "--turns", turns, "--json")

    found: dict[str, Any] = json.loads(said)
    assert code == 0
    assert (found["turns"], found["changed"]) == (2, 2)
    assert found["by_action"]["escalate to tier2"] == [0, 1]
    assert found["seconds"] >= 0


def test_a_backtest_reads_as_a_table(draft: Path, turns: Path) -> None:
    code, said, _ = run("backtest", draft, "--turns", turns, "--live", STARTER)

    assert code == 0
    assert "2 turns replayed" in said
    assert "escalate to tier2" in said


def test_a_broken_line_of_turns_is_named(draft: Path, turns: Path) -> None:
    turns.write_text('{"id": 1}\n', encoding="utf-8")

    code, _, said = run("backtest", draft, "--turns", turns)

    assert code == 2
    assert "line 1" in said


def test_explaining_says_what_would_have_turned_a_rule(draft: Path) -> None:
    code, said, _ = run("explain", draft, "--facts", '{"sentiment_score": -0.1, "language": "no"}', "--json")

    one, two = json.loads(said)["rules"]
    assert code == 0
    assert (one["verdict"], two["verdict"]) == (False, True)
    assert one["would_turn"][0]["field"] == "sentiment_score"
    assert one["would_turn"][0]["instead"] < -0.4


def test_a_diff_is_empty_only_between_equals(draft: Path) -> None:
    same, _, _ = run("diff", draft, draft)
    other, said, _ = run("diff", draft, STARTER)

    assert (same, other) == (0, 1)
    assert "R-1  removed" in said


def test_analysis_lists_what_never_fires(tmp_path: Path) -> None:
    path = tmp_path / "never.yaml"
    path.write_text(
        DRAFT.replace("is less than -0.4", "is less than -0.4 and sentiment score is more than 0").replace(
            "    examples: [{facts: {sentiment_score: -0.9}, fires: true}]\n", ""
        ),
        encoding="utf-8",
    )

    code, said, _ = run("analyse", path, "--json")

    assert code == 1
    assert json.loads(said)[0]["kind"] == "never fires"


def test_what_boxes_leave_open_is_proved_on_request(tmp_path: Path) -> None:
    many = " or ".join(f"(message length is {n} and sentiment score is at least -1)" for n in range(18))
    path = tmp_path / "large.yaml"
    rule = {"id": "R-1", "name": "Large", "when": many, "actions": [{"type": "close"}]}
    path.write_text(to_yaml({"rules": [rule]}), encoding="utf-8")

    open_, proved, hurried = (
        {finding["kind"] for finding in json.loads(run("analyse", path, "--json", *more)[1])}
        for more in ((), ("--prove",), ("--prove", "--timeout", "0.001"))
    )

    assert "not decided" in open_
    assert proved == {"gap"}
    assert hurried <= {"gap", "not decided"}
