"""Actions: what is read, what is refused, and how several become one directive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import schema
from domain.rules.actions import (
    METHODS,
    PRIORITIES,
    Action,
    Directive,
    EscalateAction,
    NotifyAction,
    PriorityAction,
    SlaAction,
    TagAction,
    merge,
    parse_action,
)
from domain.rules.facts import RuleError


@pytest.mark.parametrize(
    ("raw", "action"),
    [
        ({"type": "escalate", "queue": "tier2"}, EscalateAction("tier2", "normal")),
        ({"type": "escalate", "queue": "tier2", "priority": "urgent"}, EscalateAction("tier2", "urgent")),
        ({"type": "notify", "recipient": "lead"}, NotifyAction("lead", "email")),
        ({"type": "notify", "recipient": "lead", "method": "slack"}, NotifyAction("lead", "slack")),
        ({"type": "sla", "target": "15_minutes"}, SlaAction(15)),
        ({"type": "sla", "target": "1_minute"}, SlaAction(1)),
        ({"type": "sla", "target": "4_hours"}, SlaAction(240)),
        ({"type": "sla", "target": "2_days"}, SlaAction(2_880)),
        ({"type": "set_priority", "priority": "low"}, PriorityAction("low")),
        ({"type": "tag", "name": "vip"}, TagAction("vip")),
    ],
)
def test_each_action_is_read(raw: object, action: Action) -> None:
    assert parse_action(raw, "R-1", schema()) == action


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ("escalate", "bad_action", "R-1: an action is an object with a 'type', got 'escalate'."),
        (
            {"type": "esclate"},
            "unknown_action",
            "R-1: no action is called 'esclate'; did you mean 'escalate'?",
        ),
        ({"type": ["tag"]}, "unknown_action", "R-1: no action is called '['tag']'; did you mean 'tag'?"),
        ({}, "unknown_action", "R-1: no action is called 'None'."),
        ({"type": "escalate"}, "bad_action", "R-1: the 'escalate' action needs a text 'queue'."),
        (
            {"type": "escalate", "queue": " "},
            "bad_action",
            "R-1: the 'escalate' action needs a text 'queue'.",
        ),
        (
            {"type": "escalate", "queue": "q", "priority": "hihg"},
            "bad_action",
            "R-1: 'hihg' is not a priority (low, normal, high, urgent); did you mean 'high'?",
        ),
        (
            {"type": "notify", "recipient": "lead", "method": "fax"},
            "bad_action",
            "R-1: 'fax' is not a method (email, slack, teams, push, webhook).",
        ),
        (
            {"type": "notify", "recipient": 7},
            "bad_action",
            "R-1: the 'notify' action needs a text 'recipient'.",
        ),
        (
            {"type": "set_priority"},
            "bad_action",
            "R-1: 'None' is not a priority (low, normal, high, urgent).",
        ),
        (
            {"type": "sla", "target": "15 min"},
            "bad_action",
            "R-1: an SLA target looks like '15_minutes' or '4_hours', got '15 min'.",
        ),
        (
            {"type": "sla", "target": "-5_minutes"},
            "bad_action",
            "R-1: an SLA target looks like '15_minutes' or '4_hours', got '-5_minutes'.",
        ),
        ({"type": "sla", "target": 15}, "bad_action", "R-1: the 'sla' action needs a text 'target'."),
        ({"type": "tag"}, "bad_action", "R-1: the 'tag' action needs a text 'name'."),
    ],
)
def test_a_wrong_action_is_refused_with_a_message_that_helps(raw: object, code: str, message: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_action(raw, "R-1", schema())

    assert (refused.value.code, str(refused.value)) == (code, message)


def test_a_misspelt_key_of_an_action_is_not_silently_ignored() -> None:
    with pytest.raises(RuleError) as refused:
        parse_action({"type": "escalate", "queue": "tier2", "prioritty": "urgent"}, "R-1", schema())

    assert (refused.value.code, str(refused.value)) == (
        "unknown_key",
        "R-1: the 'escalate' action has no 'prioritty'; did you mean 'priority'?",
    )


def test_no_actions_ask_for_nothing() -> None:
    assert merge([]) == Directive(None, "normal", None, (), ())


def test_the_first_queue_wins() -> None:
    assert (
        merge([TagAction("x"), EscalateAction("first"), EscalateAction("second", "urgent")]).queue == "first"
    )


@pytest.mark.parametrize(
    ("actions", "priority"),
    [
        ([EscalateAction("q", "low")], "low"),
        ([EscalateAction("q", "low"), PriorityAction("high"), EscalateAction("q", "normal")], "high"),
        ([PriorityAction("urgent"), EscalateAction("q", "high")], "urgent"),
        ([TagAction("x")], "normal"),
    ],
)
def test_the_highest_priority_wins(actions: list[Action], priority: str) -> None:
    assert merge(actions).priority == priority


def test_the_tightest_promise_wins() -> None:
    assert merge([SlaAction(60), SlaAction(15), SlaAction(240)]).sla_minutes == 15


def test_notices_and_tags_are_joined_in_order_without_repeats() -> None:
    directive = merge(
        [
            NotifyAction("lead", "email"),
            TagAction("vip"),
            NotifyAction("lead", "slack"),
            NotifyAction("lead", "email"),
            TagAction("legal"),
            TagAction("vip"),
        ]
    )

    assert directive.notify == ("lead by email", "lead by slack")
    assert directive.tags == ("vip", "legal")


ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(EscalateAction, st.sampled_from(["a", "b"]), st.sampled_from(PRIORITIES)),
    st.builds(NotifyAction, st.sampled_from(["a", "b"]), st.sampled_from(METHODS)),
    st.builds(SlaAction, st.integers(0, 100)),
    st.builds(PriorityAction, st.sampled_from(PRIORITIES)),
    st.builds(TagAction, st.sampled_from(["a", "b"])),
)


@given(
    st.lists(ACTIONS, max_size=8).flatmap(
        lambda actions: st.tuples(st.just(actions), st.permutations(actions))
    )
)
def test_only_the_queue_and_the_sequence_depend_on_the_order_of_rules(
    both: tuple[list[Action], list[Action]],
) -> None:
    one, other = merge(both[0]), merge(both[1])

    assert (one.priority, one.sla_minutes) == (other.priority, other.sla_minutes)
    assert (set(one.notify), set(one.tags)) == (set(other.notify), set(other.tags))
    assert (one.queue is None) is (other.queue is None)
