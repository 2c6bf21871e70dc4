"""Why a rule fired or did not, and what would have turned it."""

import pytest
from hypothesis import given, settings

from domain.rules.condition import Comparison, Condition, Group
from domain.rules.evaluate import verdict
from domain.rules.explain import reason, smallest_change
from domain.rules.facts import Facts
from tests.domain.rules.conditions import SCHEMA, cases

ANGRY = Comparison("sentiment_score", "<", -0.5)
ENTERPRISE = Comparison("customer_tier", "==", "enterprise")
BILLING = Comparison("issue_type", "in", ("billing", "security"))
RULE = Group("AND", (ANGRY, ENTERPRISE, BILLING))
FIRES: Facts = {"sentiment_score": -0.9, "customer_tier": "enterprise", "issue_type": "billing"}


@settings(max_examples=200)
@given(cases())
def test_the_smallest_change_turns_the_verdict(case: tuple[Condition, Facts]) -> None:
    condition, facts = case
    changes = smallest_change(condition, facts, SCHEMA)
    if changes is None or any(str(change.instead).endswith("hours ago") for change in changes):
        return
    before = verdict(condition, SCHEMA.known(facts)) is True

    changed = {**facts, **{change.field: change.instead for change in changes}}

    after = verdict(condition, SCHEMA.known(changed))  # type: ignore[arg-type]  # values of their facts
    assert after is not before


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        ({**FIRES, "sentiment_score": -0.2}, {"sentiment_score": -0.51}),
        ({**FIRES, "customer_tier": "free"}, {"customer_tier": "enterprise"}),
        ({**FIRES, "issue_type": None}, {"issue_type": "billing"}),
        (FIRES, {"sentiment_score": -0.5}),
    ],
    ids=["not angry enough", "another tier", "issue missing", "stop it"],
)
def test_the_fewest_facts_are_changed(facts: Facts, changes: dict[str, object]) -> None:
    found = smallest_change(RULE, facts, SCHEMA)

    assert found is not None
    assert {change.field: change.instead for change in found} == changes


def test_what_can_never_fire_has_no_change() -> None:
    never = Group("AND", (ANGRY, Comparison("sentiment_score", ">", 0.5)))

    assert smallest_change(never, {"sentiment_score": 0.0}, SCHEMA) is None


def test_a_reason_names_what_decided_and_what_is_missing() -> None:
    told = reason(RULE, {"sentiment_score": -0.1, "customer_tier": "enterprise"}, SCHEMA)

    assert told.verdict is False
    assert [check.field for check in told.decided_by] == ["sentiment_score"]
    assert told.missing == ("issue_type",)
    assert told.sentence.startswith("sentiment score is less than -0.5 and")


def test_a_change_never_shows_personal_data() -> None:
    condition = Comparison("message_text", "contains", "refund")

    found = smallest_change(condition, {"message_text": "my PIN is 1234"}, SCHEMA)

    assert found is not None
    assert "1234" not in str(found)
