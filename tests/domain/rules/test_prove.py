"""The solver agrees with our own evaluator and with boxes, and says when it did not decide."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from adapters.starter.loader import schema
from domain.rules.analyse import Kind, analyse
from domain.rules.condition import Comparison, Condition, Group
from domain.rules.evaluate import verdict
from domain.rules.facts import Facts, Schema
from domain.rules.meaning import witness
from domain.rules.normal import boxes
from domain.rules.prove import Solver
from tests.builders import a_rule, a_ruleset
from tests.domain.rules.conditions import FACTS, cases

OPEN = Schema([msgspec.structs.replace(fact, nullable=True) for fact in FACTS.values()])
"""Any fact may be missing, as in the cases."""
SCORES = [Comparison("sentiment_score", ">", -1 + n / 20) for n in range(18)]
LENGTHS = [Comparison("message_length", "<", 100 + n) for n in range(18)]
PAIRS = [Group("AND", pair) for pair in zip(SCORES, LENGTHS, strict=True)]
"""More clauses than boxes are made of."""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), cases())
def test_examples_hold_and_proofs_agree_with_boxes(
    one: tuple[Condition, Facts], other: tuple[Condition, Facts]
) -> None:
    holds, fails = one[0], other[0]
    try:
        found = Solver(OPEN).example([holds], [fails])
    except TimeoutError:
        return
    if found is not None:
        known = OPEN.known(found)
        assert verdict(holds, known) is True
        assert verdict(fails, known) is not True
        return
    for _, facts in (one, other):
        known = OPEN.known(facts)
        assert verdict(holds, known) is not True or verdict(fails, known) is True
    samples = [witness(box, OPEN) for box in boxes(holds, OPEN) or ()]
    assert all(verdict(fails, OPEN.known(sample)) for sample in samples if sample is not None)


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [
        (Group("OR", tuple(PAIRS)), None),
        (Group("AND", (Group("OR", tuple(PAIRS)), Comparison("message_length", ">", 900))), Kind.NEVER),
        (Group("OR", (*PAIRS, Group("NOT", (PAIRS[0],)))), Kind.ALWAYS),
    ],
    ids=["neither", "never", "always"],
)
def test_rules_too_large_for_boxes_are_decided_by_the_solver(conditions: Group, kind: Kind | None) -> None:
    ruleset = a_ruleset(a_rule(_raw(conditions)))

    without, proved = analyse(ruleset), analyse(ruleset, prover=Solver(schema()))

    assert Kind.UNDECIDED in {finding.kind for finding in without}
    kinds = {finding.kind for finding in proved} - {Kind.GAP}
    assert kinds == ({kind} if kind else set())


def test_a_conflict_of_a_large_rule_is_shown_by_facts_that_fire_both() -> None:
    here, there = [{"type": "escalate", "queue": "a"}], [{"type": "escalate", "queue": "b"}]
    large = a_rule(_raw(Group("OR", tuple(PAIRS))), here, identity="LARGE")
    small = a_rule(_raw(LENGTHS[0]), there, identity="SMALL")
    ruleset = a_ruleset(large, small)

    [conflict] = [f for f in analyse(ruleset, prover=Solver(schema())) if f.kind is Kind.CONFLICT]

    assert conflict.witness is not None
    assert len(ruleset.index.certain(schema().known(conflict.witness))) == 2


def test_a_gap_is_not_claimed_where_a_large_rule_fires() -> None:
    every = Group("OR", (*PAIRS, Comparison("message_length", ">=", 0)))
    ruleset = a_ruleset(a_rule(_raw(every), identity="LARGE"), a_rule(_raw(LENGTHS[0]), identity="SMALL"))

    without, proved = analyse(ruleset), analyse(ruleset, prover=Solver(schema()))

    assert Kind.GAP not in {finding.kind for finding in (*without, *proved)}


def test_what_only_a_pattern_could_show_is_not_decided() -> None:
    odd = Comparison("message_text", "matches", "^a+$")

    with pytest.raises(TimeoutError):
        Solver(schema()).example([odd], [])


@pytest.mark.parametrize("text", ["\\u0041", "\u65e5\u672c", "a\\b"])
def test_texts_are_what_they_say_whatever_the_solver_reads_in_them(text: str) -> None:
    equal, other = Comparison("message_text", "==", text), Comparison("message_text", "==", "A")

    assert Solver(schema()).example([equal], []) == {"message_text": text}
    assert Solver(schema()).example([equal], [other]) is not None
    assert Solver(schema()).example([equal, other], []) is None


def test_an_imported_expression_is_not_decided() -> None:
    logic = {"%": [{"var": "message_length"}, 2]}
    ruleset = a_ruleset({"id": "R-1", "name": "Odd", "logic": logic, "actions": [{"type": "close"}]})

    kinds = {finding.kind for finding in analyse(ruleset, prover=Solver(schema()))}

    assert Kind.UNDECIDED in kinds


def _raw(condition: Condition) -> object:
    if isinstance(condition, Comparison):
        return {"field": condition.field, "operator": condition.operator, "value": condition.value}
    return {"operator": condition.operator, "rules": [_raw(member) for member in condition.rules]}
