"""Rule sets: reading, checking by example, and deciding."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import rules as starter_rules
from adapters.starter.loader import schema
from domain.rules.actions import EscalateAction, NotifyAction, SlaAction
from domain.rules.condition import Comparison, Group
from domain.rules.facts import Facts, RuleError
from domain.rules.ruleset import RuleSet, parse_ruleset
from tests.builders import a_rule, a_ruleset

RULE_ESC_001 = """
{
  "rule_example": {
    "id": "RULE-ESC-001",
    "name": "High Priority Escalation",
    "conditions": {
      "operator": "AND",
      "rules": [
        {"field": "sentiment_score", "operator": "<", "value": -0.5},
        {"field": "customer_tier", "operator": "==", "value": "enterprise"},
        {"field": "issue_type", "operator": "in", "value": ["billing", "security"]}
      ]
    },
    "actions": [
      {"type": "escalate", "priority": "high", "queue": "enterprise_support"},
      {"type": "notify", "recipient": "support_manager", "method": "email"},
      {"type": "sla", "target": "15_minutes"}
    ]
  }
}
"""
"""The customer's example, word for word (product requirements, section 3.5, FR-3.5.1)."""

ANGRY = {"field": "sentiment_score", "operator": "<", "value": -0.5}
ENTERPRISE = {"field": "customer_tier", "operator": "==", "value": "enterprise"}
ANGRY_ENTERPRISE: Facts = {"sentiment_score": -0.9, "customer_tier": "enterprise", "issue_type": "billing"}


def the_customers_rule() -> RuleSet:
    return a_ruleset(json.loads(RULE_ESC_001)["rule_example"])


def refusal(source: bytes) -> tuple[str, str]:
    with pytest.raises(RuleError) as refused:
        parse_ruleset(source, "test.json", schema())
    return refused.value.code, str(refused.value)


def refused_rule(raw: object) -> tuple[str, str]:
    return refusal(msgspec.json.encode([raw]))


def outcome(source: bytes, facts: Facts) -> str:
    """What becomes of a source that is decided at once: refused by name, or what fires."""
    try:
        fired = parse_ruleset(source, "test.json", schema()).decide(facts).fired
    except RuleError as refused:
        return f"refused by {str(refused)[:9]}"
    return " and ".join(rule.rule for rule in fired) or "nothing fires"


def without(raw: dict[str, object], key: str) -> dict[str, object]:
    return {name: value for name, value in raw.items() if name != key}


def test_the_customers_rule_is_read_word_for_word() -> None:
    [rule] = the_customers_rule().rules

    assert (rule.id, rule.name) == ("RULE-ESC-001", "High Priority Escalation")
    assert rule.condition == Group(
        "AND",
        (
            Comparison("sentiment_score", "<", -0.5),
            Comparison("customer_tier", "==", "enterprise"),
            Comparison("issue_type", "in", ("billing", "security")),
        ),
    )
    assert rule.actions == (
        EscalateAction("enterprise_support", "high"),
        NotifyAction("support_manager", "email"),
        SlaAction(15),
    )


@pytest.mark.parametrize("issue", ["billing", "security"])
def test_the_customers_rule_fires_for_an_angry_enterprise_customer(issue: str) -> None:
    decision = the_customers_rule().decide({**ANGRY_ENTERPRISE, "issue_type": issue})

    assert [fired.rule for fired in decision.fired] == ["RULE-ESC-001"]
    assert decision.directive.queue == "enterprise_support"
    assert decision.directive.priority == "high"
    assert decision.directive.sla_minutes == 15
    assert decision.directive.notify == ("support_manager by email",)


@pytest.mark.parametrize(
    "changed",
    [
        {"sentiment_score": -0.5},
        {"customer_tier": "professional"},
        {"issue_type": "technical"},
    ],
    ids=["not angry enough", "another tier", "another issue"],
)
def test_the_customers_rule_is_quiet_and_near_when_one_thing_differs(changed: dict[str, Any]) -> None:
    decision = the_customers_rule().decide({**ANGRY_ENTERPRISE, **changed})

    assert decision.fired == ()
    assert decision.directive.queue is None
    assert [near.rule for near in decision.near] == ["RULE-ESC-001"]
    assert [check.field for check in decision.near[0].checks if check.holds is not True] == list(changed)


def test_a_rule_is_possible_while_a_fact_is_missing_and_names_it() -> None:
    decision = the_customers_rule().decide({**ANGRY_ENTERPRISE, "issue_type": None})

    assert (decision.fired, decision.near) == ((), ())
    assert [(rule.rule, rule.missing) for rule in decision.possible] == [("RULE-ESC-001", ("issue_type",))]


def test_the_customers_rule_is_not_near_when_two_things_differ() -> None:
    decision = the_customers_rule().decide(
        {**ANGRY_ENTERPRISE, "customer_tier": "free", "issue_type": "other"}
    )

    assert (decision.fired, decision.near) == ((), ())


def test_a_rule_of_one_comparison_is_never_near() -> None:
    decision = a_ruleset(a_rule(ANGRY)).decide({"sentiment_score": 0.0})

    assert decision.near == ()


def test_a_rule_that_fires_is_not_also_near() -> None:
    either = a_rule({"operator": "OR", "rules": [ANGRY, ENTERPRISE]})

    decision = a_ruleset(either).decide({"sentiment_score": -0.9, "customer_tier": "free"})

    assert len(decision.fired) == 1
    assert decision.near == ()


def test_rules_go_by_priority_and_then_by_id() -> None:
    rules = a_ruleset(
        a_rule(identity="B", priority=50),
        a_rule(identity="A", priority=50),
        a_rule(identity="Z", priority=1),
        a_rule(identity="D"),
    )

    decision = rules.decide({"sentiment_score": 0.0})

    assert [rule.id for rule in rules.rules] == ["Z", "A", "B", "D"]
    assert [fired.rule for fired in decision.fired] == ["Z", "A", "B", "D"]


def test_the_first_rules_queue_and_everybodys_rest_make_the_directive() -> None:
    rules = a_ruleset(
        a_rule(
            None,
            [{"type": "escalate", "queue": "late"}, {"type": "sla", "target": "5_minutes"}],
            identity="LATE",
        ),
        a_rule(
            None,
            [{"type": "escalate", "queue": "early"}, {"type": "tag", "name": "x"}],
            identity="EARLY",
            priority=1,
        ),
        a_rule(None, [{"type": "set_priority", "priority": "urgent"}], identity="MIDDLE", priority=50),
    )

    directive = rules.decide({"sentiment_score": 0.0}).directive

    assert (directive.queue, directive.priority, directive.sla_minutes) == ("early", "urgent", 5)
    assert directive.tags == ("x",)


def test_a_disabled_rule_does_nothing() -> None:
    rules = a_ruleset(a_rule(identity="ON"), a_rule(identity="OFF", enabled=False))

    assert [rule.id for rule in rules.rules] == ["ON"]


def test_an_empty_rule_set_decides_nothing() -> None:
    decision = a_ruleset().decide(ANGRY_ENTERPRISE)

    assert (decision.fired, decision.near, decision.directive.queue) == ((), (), None)


def test_personal_data_stays_out_of_the_reasons() -> None:
    mentions = a_rule(
        {
            "operator": "AND",
            "rules": [{"field": "message_text", "operator": "contains", "value": "PIN"}, ANGRY],
        }
    )
    rules = a_ruleset(mentions)

    fired = rules.decide({"message_text": "my PIN is 1234", "sentiment_score": -0.9})
    near = rules.decide({"message_text": "my PIN is 1234", "sentiment_score": 0.9})

    assert fired.fired[0].checks[0].actual == near.near[0].checks[0].actual == "(withheld)"
    assert "1234" not in f"{fired}{near}"


def test_equal_rules_have_equal_hashes_whatever_their_layout_and_key_order() -> None:
    rule = a_rule({"operator": "AND", "rules": [ANGRY, ENTERPRISE]}, priority=5)
    shuffled = dict(reversed(list(rule.items())))

    one = parse_ruleset(json.dumps([rule]).encode(), "one.json", schema())
    other = parse_ruleset(json.dumps([shuffled], indent=4).encode(), "other.json", schema())

    assert one.hash == other.hash
    assert len(one.hash) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(
    "changed",
    [
        a_rule(ANGRY, name="Another name"),
        a_rule(ANGRY, priority=7),
        a_rule(ANGRY, enabled=False),
        a_rule({**ANGRY, "value": -0.6}),
        a_rule(ANGRY, note="Why this rule is here."),
    ],
    ids=["name", "priority", "enabled", "condition", "note"],
)
def test_any_change_of_content_changes_the_hash(changed: dict[str, object]) -> None:
    assert a_ruleset(a_rule(ANGRY)).hash != a_ruleset(changed).hash


@pytest.mark.parametrize(
    ("facts", "fires", "message"),
    [
        ({"sentiment_score": 0.0}, True, "R-1: example 2 should fire and does not."),
        ({"sentiment_score": -0.9}, False, "R-1: example 2 fires and should not."),
        ({}, True, "R-1: example 2 should fire and does not."),
    ],
)
def test_an_example_that_fails_blocks_the_rule_set(facts: object, fires: bool, message: str) -> None:
    good = {"facts": {"sentiment_score": -0.8}, "fires": True}
    rule = a_rule(ANGRY, identity="R-1", examples=[good, {"facts": facts, "fires": fires}])

    assert refused_rule(rule) == ("example_failed", message)


def test_examples_of_a_disabled_rule_are_checked_too() -> None:
    rule = a_rule(ANGRY, identity="R-1", enabled=False, examples=[{"facts": {}, "fires": True}])

    assert refused_rule(rule)[0] == "example_failed"


def test_examples_that_hold_let_the_rule_set_pass() -> None:
    examples = [
        {"facts": {"signals": ["churn", "urgent"]}, "fires": True},
        {"facts": {"signals": []}, "fires": False},
        {"facts": {}, "fires": False},
    ]

    rules = a_ruleset(
        a_rule({"field": "signals", "operator": "contains", "value": "churn"}, examples=examples)
    )

    assert len(rules.rules[0].examples) == 3


def test_an_example_with_an_unknown_fact_is_refused() -> None:
    rule = a_rule(ANGRY, identity="R-1", examples=[{"facts": {"sentimnt_score": -1}, "fires": True}])

    assert refused_rule(rule) == (
        "unknown_fact",
        "R-1, example 1: there is no fact called 'sentimnt_score'; did you mean 'sentiment_score'?",
    )


@pytest.mark.parametrize(
    ("fact", "value", "message"),
    [
        ("sentiment_score", "very bad", "'sentiment_score' is a number, got 'very bad'."),
        ("sentiment_score", ["bad"], "'sentiment_score' is a number, got ('bad',)."),
        ("sentiment_score", True, "'sentiment_score' is a number, got True."),
        ("has_code", 1.5, "'has_code' is a boolean, got 1.5."),
        ("language", 1.5, "'language' is a text, got 1.5."),
        ("signals", "churn", "'signals' is a list, got 'churn'."),
    ],
)
def test_an_example_with_a_value_of_the_wrong_kind_is_refused(fact: str, value: object, message: str) -> None:
    exists = {"field": fact, "operator": "exists"}
    rule = a_rule(exists, identity="R-1", examples=[{"facts": {fact: value}, "fires": True}])

    assert refused_rule(rule) == ("bad_value", f"R-1, example 1: {message}")


def test_an_example_may_leave_a_fact_unknown() -> None:
    rules = a_ruleset(a_rule(ANGRY, examples=[{"facts": {"sentiment_score": None}, "fires": False}]))

    assert len(rules.rules) == 1


def test_an_example_with_a_number_that_the_engine_cannot_hold_is_refused() -> None:
    rule = a_rule(examples=[{"facts": {"sentiment_score": 7}, "fires": True}])
    source = msgspec.json.encode([rule]).replace(b":7", b":" + b"9" * 30)

    assert refusal(source)[0] == "bad_value"


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        pytest.param("x", "bad_rule", "test.json, rule 1: a rule is an object, got x.", id="not an object"),
        pytest.param(
            {**a_rule(), "condition": ANGRY},
            "unknown_key",
            "test.json, rule 1: a rule has no 'condition'; did you mean 'conditions'?",
            id="unknown key",
        ),
        pytest.param(
            without(a_rule(), "id"), "missing_key", "test.json, rule 1: 'id' is missing.", id="no id"
        ),
        pytest.param(
            without(a_rule(identity="R-7"), "conditions"),
            "missing_key",
            "R-7: 'conditions' is missing; give one of conditions, when, logic.",
            id="no conditions",
        ),
        pytest.param(
            {**a_rule(identity="R-7"), "actions": []},
            "no_actions",
            "R-7: a rule needs at least one action.",
            id="no actions",
        ),
        pytest.param(
            {**a_rule(identity="R-7"), "actions": {"type": "tag", "name": "x"}},
            "no_actions",
            "R-7: a rule needs at least one action.",
            id="one action without a list",
        ),
        pytest.param(
            a_rule(identity="R-7", priority="first"),
            "bad_value",
            "R-7: 'priority': Expected `int`, got `str`.",
            id="priority in words",
        ),
        pytest.param(
            a_rule(identity="R-7", priority=True),
            "bad_value",
            "R-7: 'priority': Expected `int`, got `bool`.",
            id="boolean priority",
        ),
        pytest.param(
            a_rule(identity="R-7", enabled="yes"),
            "bad_value",
            "R-7: 'enabled': Expected `bool`, got `str`.",
            id="enabled in words",
        ),
        pytest.param(
            a_rule(identity="R-7", examples=[{"facts": {}}]),
            "bad_value",
            "R-7: 'examples': Object missing required field `fires` - at `$[0]`.",
            id="example without a verdict",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_a_message_that_helps(rule: object, code: str, message: str) -> None:
    assert refused_rule(rule) == (code, message)


def test_a_wrong_condition_or_action_is_refused_under_the_rules_id() -> None:
    condition = refused_rule(a_rule({"field": "weather", "operator": "=="}, identity="R-7"))
    action = refused_rule(a_rule(ANGRY, [{"type": "fly"}], identity="R-7"))

    assert condition == ("unknown_fact", "R-7: there is no fact called 'weather'.")
    assert action == ("unknown_action", "R-7: no action is called 'fly'.")


@pytest.mark.parametrize("rule_id", [None, "", " ", ["R"]], ids=["null", "empty", "blank", "list"])
def test_a_rule_without_a_usable_id_is_refused(rule_id: object) -> None:
    assert refused_rule({**a_rule(), "id": rule_id})[0] == "bad_id"


def test_an_id_may_be_used_once() -> None:
    source = msgspec.json.encode([a_rule(identity="R-1"), a_rule(identity="R-2"), a_rule(identity="R-1")])

    assert refusal(source) == ("duplicate_rule", "test.json: the id 'R-1' is used twice.")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param(b"", "bad_json", id="empty file"),
        pytest.param(b"[{", "bad_json", id="cut off"),
        pytest.param(b"\xff\xfe[]", "bad_json", id="UTF-16"),
        pytest.param(b'[{"id": "\xff"}]', "bad_json", id="Latin-1 in a text"),
        pytest.param(b'[{"id": "\\ud800"}]', "bad_json", id="half a surrogate pair"),
        pytest.param(b"[NaN]", "bad_json", id="NaN"),
        pytest.param(b"[1e999]", "bad_json", id="number out of range"),
        pytest.param(b"[" * 100_000, "bad_json", id="a hundred thousand brackets"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, "bad_json", id="as many, closed"),
        pytest.param(b'{"id": "R-1"}', "bad_ruleset", id="one rule without a list"),
        pytest.param(b'"rules"', "bad_ruleset", id="text"),
    ],
)
def test_a_file_that_is_no_list_of_rules_is_refused(source: bytes, code: str) -> None:
    assert refusal(source)[0] == code


def test_the_name_of_the_source_is_in_its_refusal() -> None:
    with pytest.raises(
        RuleError, match=r"^mine\.json: a rule set is a list of rules, or an object with 'rules'\.$"
    ):
        parse_ruleset(b"{}", "mine.json", schema())


def test_a_number_too_large_for_the_engine_is_refused() -> None:
    rule = a_rule({"field": "message_count", "operator": "<", "value": 7})
    source = msgspec.json.encode([rule]).replace(b":7", b":" + b"9" * 30)

    with pytest.raises(RuleError):
        parse_ruleset(source, "test.json", schema())


def test_a_rule_set_holds_a_million_values_in_all() -> None:
    listed = {"field": "language", "operator": "in", "value": ["en"] * 1_000}
    wide = {"operator": "OR", "rules": [listed] * 63}
    source = msgspec.json.encode([a_rule(wide, identity=f"R-{number}") for number in range(16)])

    assert refusal(source) == (
        "too_large",
        "test.json: more than 1,000,000 values in all. Split the rule set.",
    )


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_either_read_or_refused(source: bytes) -> None:
    assert outcome(source, {}) in {"nothing fires", "refused by test.json"}


def test_deciding_does_not_depend_on_the_order_in_the_file() -> None:
    rules = [
        a_rule(ANGRY, [{"type": "escalate", "queue": "a"}], identity="A", priority=2),
        a_rule(ENTERPRISE, [{"type": "escalate", "queue": "b"}], identity="B", priority=1),
    ]

    forwards = a_ruleset(*rules).decide(ANGRY_ENTERPRISE)
    backwards = a_ruleset(*reversed(rules)).decide(ANGRY_ENTERPRISE)

    assert forwards == backwards
    assert forwards.directive.queue == "b"


def test_the_starter_rules_hold_the_customers_rule_unchanged() -> None:
    starter, _ = starter_rules()
    [theirs] = the_customers_rule().rules

    ours = next(rule for rule in starter.rules if rule.id == theirs.id)

    assert (ours.condition, ours.actions) == (theirs.condition, theirs.actions)


def test_every_starter_rule_carries_examples_both_ways() -> None:
    starter, _ = starter_rules()

    one_sided = [rule.id for rule in starter.rules if {e.fires for e in rule.examples} != {True, False}]

    assert starter.rules
    assert one_sided == []


@given(st.permutations(range(6)), st.lists(st.integers(1, 2), min_size=6, max_size=6), st.floats(-1, 1))
def test_the_order_in_a_file_changes_no_decision(order: list[int], ranks: list[int], score: float) -> None:
    written = [
        a_rule(
            {"field": "sentiment_score", "operator": "<", "value": number / 3 - 1},
            [
                {"type": "escalate", "queue": f"q{number}", "priority": "high" if number % 2 else "low"},
                {"type": "sla", "target": f"{number + 1}_minutes"},
                {"type": "tag", "name": f"t{number % 3}"},
            ],
            identity=f"R-{number}",
            priority=rank,
        )
        for number, rank in enumerate(ranks)
    ]

    one = a_ruleset(*written).decide({"sentiment_score": score})
    other = a_ruleset(*(written[place] for place in order)).decide({"sentiment_score": score})

    assert one == other


def test_ten_thousand_rules_are_read_and_more_are_refused() -> None:
    many = [a_rule(identity=f"R-{number}") for number in range(10_001)]

    code, message = refusal(msgspec.json.encode(many))

    assert (code, message) == ("bad_ruleset", "test.json: 'rules' is a list of at most 10,000 rules.")
    assert len(a_ruleset(*many[:10_000]).rules) == 10_000


def test_examples_of_whole_decisions_are_checked() -> None:
    document = {
        "rules": [a_rule(ANGRY, [{"type": "escalate", "queue": "one"}])],
        "examples": [{"facts": {"sentiment_score": -0.9}, "decision": {"queue": "two"}}],
    }

    assert refusal(msgspec.json.encode(document)) == (
        "example_failed",
        "test.json, example 1: 'queue' should be 'two' and is 'one'.",
    )


def test_a_tenants_own_facts_are_declared_with_the_rules() -> None:
    plan = {"name": "plan", "kind": "text", "label": "Plan", "source": "metadata.plan"}
    rules = [a_rule({"field": "plan", "operator": "==", "value": "plus"})]

    ruleset = parse_ruleset(msgspec.json.encode({"facts": [plan], "rules": rules}), "test.json", schema())
    code, _ = refusal(msgspec.json.encode({"facts": [{**plan, "source": "os"}], "rules": rules}))

    assert ruleset.decide({"plan": "plus"}).fired[0].rule == "RULE-1"
    assert code == "bad_fact"


def test_a_nul_character_is_refused() -> None:
    assert refusal(msgspec.json.encode([a_rule(identity="R-\x00")]))[0] == "bad_text"
