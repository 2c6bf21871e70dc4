"""Properties of whole rule sets, and differences between two."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.starter.loader import rules as starter_rules
from domain.rules.analyse import Kind, analyse
from domain.rules.condition import Condition, Group
from domain.rules.diff import Kind as Changed
from domain.rules.diff import diff
from domain.rules.evaluate import verdict
from domain.rules.facts import Facts
from domain.rules.meaning import same_meaning, way_out, witness
from domain.rules.normal import boxes
from tests.builders import a_rule, a_ruleset
from tests.domain.rules.conditions import SCHEMA, conditions, facts_of

ANGRY = {"field": "sentiment_score", "operator": "<", "value": -0.5}
FURIOUS = {"field": "sentiment_score", "operator": "<", "value": -0.9}
WEB = {"field": "channel", "operator": "==", "value": "web"}
TIER_ONE = [{"type": "escalate", "queue": "one"}]
TIER_TWO = [{"type": "escalate", "queue": "two"}]


def both(*members: object, operator: str = "AND") -> dict[str, object]:
    return {"operator": operator, "rules": list(members)}


def kinds(*rules: object) -> list[tuple[Kind, tuple[str, ...]]]:
    return [
        (finding.kind, finding.rules)
        for finding in analyse(a_ruleset(*rules))
        if finding.kind is not Kind.GAP
    ]


@settings(max_examples=150)
@given(st.tuples(conditions, st.lists(conditions, max_size=3)), st.data())
def test_a_way_out_is_outside_and_no_way_out_means_covered(
    drawn: tuple[Condition, list[Condition]], data: st.DataObject
) -> None:
    inside, others = boxes(drawn[0], SCHEMA), [boxes(other, SCHEMA) for other in drawn[1]]
    if not inside or any(found is None for found in others):
        return
    wide = [box for found in others for box in found or ()]
    free = way_out(inside[0], wide, SCHEMA)
    if free is None:
        facts: Facts = data.draw(facts_of([drawn[0], *drawn[1]]))
        known = SCHEMA.known(facts)
        in_range = all(
            fact.low is None or not isinstance(value, float | int) or fact.low <= value <= (fact.high or 1e9)
            for name, value in known.items()
            if (fact := SCHEMA.facts.get(name)) is not None
        )
        held = verdict(drawn[0], known) is True and len(inside) == 1 and in_range
        nothing_odd = all(SCHEMA.facts[name].nullable or name in known for name in ("now",))
        complete = all(
            name in known or SCHEMA.facts[name].nullable
            for box in wide
            for name in box.regions
            if name in SCHEMA.facts
        )
        if held and nothing_odd and complete:
            assert any(verdict(other, known) is True for other in drawn[1])
        return
    shown = witness(free, SCHEMA)
    if shown is not None and not any(name.endswith(" age") for name in shown):
        known = SCHEMA.known(shown)
        assert not any(verdict(other, known) is True for other in drawn[1])


@pytest.mark.parametrize(
    ("conditions_", "kind"),
    [
        (both(ANGRY, {"field": "sentiment_score", "operator": ">", "value": 0}), Kind.NEVER),
        (both(WEB, {"field": "channel", "operator": "==", "value": "email"}), Kind.NEVER),
        ({"field": "message_count", "operator": ">=", "value": 0}, Kind.ALWAYS),
        (both(WEB, {"field": "channel", "operator": "!=", "value": "web"}, operator="OR"), Kind.ALWAYS),
    ],
)
def test_a_rule_that_never_or_always_fires_is_found(conditions_: object, kind: Kind) -> None:
    assert kinds(a_rule(conditions_)) == [(kind, ("RULE-1",))]


def test_rules_of_one_priority_that_can_fire_together_must_not_fill_a_slot_differently() -> None:
    one = a_rule(ANGRY, TIER_ONE, identity="A")
    two = a_rule(WEB, TIER_TWO, identity="B")

    [finding, *_] = analyse(a_ruleset(one, two))

    assert (finding.kind, finding.rules, finding.is_error) == (Kind.CONFLICT, ("A", "B"), True)
    assert finding.message == "A and B have one priority, can fire together and differ in queue."
    decided = a_ruleset(one, two).decide(finding.witness or {})
    assert [fired.rule for fired in decided.fired] == ["A", "B"]


def test_rules_that_cannot_fire_together_do_not_clash() -> None:
    calm = {"field": "sentiment_score", "operator": ">=", "value": -0.5}

    assert kinds(a_rule(ANGRY, TIER_ONE, identity="A"), a_rule(calm, TIER_TWO, identity="B")) == []


def test_a_rule_that_adds_nothing_is_subsumed() -> None:
    found = kinds(
        a_rule(ANGRY, TIER_ONE, identity="A"), a_rule(FURIOUS, TIER_ONE, identity="B", priority=200)
    )

    assert (Kind.SUBSUMED, ("A", "B")) in found


def test_a_rule_is_shadowed_by_several_before_it_together() -> None:
    calm = {"field": "sentiment_score", "operator": ">=", "value": -0.5}
    found = kinds(
        a_rule(ANGRY, TIER_ONE, identity="A", priority=1),
        a_rule(calm, TIER_ONE, identity="B", priority=2),
        a_rule(WEB, TIER_TWO, identity="C", priority=3),
    )

    assert (Kind.SHADOWED, ("C",)) in found


def test_findings_are_weighed_by_past_turns() -> None:
    ruleset = a_ruleset(a_rule(ANGRY, TIER_ONE, identity="A"), a_rule(WEB, TIER_TWO, identity="B"))
    history: list[Facts] = [
        {"sentiment_score": -0.9, "channel": "web"},
        {"sentiment_score": -0.9, "channel": "email"},
        {"sentiment_score": 0.9, "channel": "email"},
    ]

    weights = {finding.kind: finding.weight for finding in analyse(ruleset, history)}

    assert (weights[Kind.CONFLICT], weights[Kind.GAP]) == (1, 1)


def test_the_starter_rules_hold_no_error() -> None:
    ruleset, _ = starter_rules()

    assert [finding.message for finding in analyse(ruleset) if finding.is_error] == []


@settings(max_examples=100)
@given(conditions)
def test_a_condition_means_the_same_as_its_double_negation(condition: Condition) -> None:
    twice = Group("NOT", (Group("NOT", (condition,)),))
    small = boxes(condition, SCHEMA)

    assert small is None or same_meaning(condition, twice, SCHEMA)


def test_a_diff_tells_meaning_from_wording() -> None:
    old = a_ruleset(
        a_rule(both(ANGRY, WEB), TIER_ONE, identity="A"), a_rule(WEB, identity="B"), a_rule(WEB, identity="C")
    )
    new = a_ruleset(
        a_rule(both(WEB, ANGRY), TIER_TWO, identity="A"),
        a_rule(ANGRY, identity="B", priority=5),
        a_rule(WEB, identity="D"),
    )

    found = [(difference.rule, difference.kind) for difference in diff(old, new)]

    assert found == [
        ("A", Changed.WORDING),
        ("A", Changed.ACTIONS),
        ("B", Changed.CONDITION),
        ("B", Changed.PRIORITY),
        ("D", Changed.ADDED),
        ("C", Changed.REMOVED),
    ]
    assert diff(old, old) == ()


def test_a_rule_on_a_pattern_is_not_said_to_contradict_itself() -> None:
    pattern = {"field": "message_text", "operator": "matches", "value": "(?i)refund"}

    assert Kind.NEVER not in {finding.kind for finding in analyse(a_ruleset(a_rule(pattern)))}
