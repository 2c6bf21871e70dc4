"""Rehearsing a draft on turns that were."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import ContentHash, RuleId
from domain.rules.actions import EscalateAction, TagAction
from domain.rules.backtest import Past, backtest
from domain.rules.condition import Comparison, Condition, Group
from domain.rules.facts import RuleError
from domain.rules.forecast import HOURS, forecast
from domain.rules.rule import Rule
from domain.rules.ruleset import RuleSet
from domain.rules.sweep import sweep
from ops.bench.rules import some_facts, some_rules
from tests.builders import a_rule, a_ruleset
from tests.domain.rules.conditions import SCHEMA

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ANGRY = {"field": "sentiment_score", "operator": "<", "value": -0.5}
FURIOUS = {"field": "sentiment_score", "operator": "<", "value": -0.9}
ESCALATE = [{"type": "escalate", "queue": "tier2"}, {"type": "sla", "target": "30_minutes"}]


def turns(*scores: float) -> list[Past]:
    return [
        Past(str(number), MONDAY + timedelta(hours=number), {"sentiment_score": score})
        for number, score in enumerate(scores)
    ]


def a_set(conditions: Iterable[Condition]) -> RuleSet:
    rules = [
        Rule(
            RuleId(f"R-{number}"),
            "Rule",
            one,
            (EscalateAction(f"q{number % 5}"), TagAction(f"t{number % 7}")),
            number,
        )
        for number, one in enumerate(conditions)
    ]
    return RuleSet(rules, ContentHash(""), SCHEMA)


def test_a_report_counts_what_changes_and_shows_it() -> None:
    live, draft = a_ruleset(a_rule(FURIOUS, ESCALATE)), a_ruleset(a_rule(ANGRY, ESCALATE))

    report = backtest(live, draft, turns(-1.0, -0.7, 0.0, -0.6), {"tier2": 2.0})

    assert (report.turns, report.changed, report.cancelled) == (4, 2, False)
    assert report.by_action == {"escalate": (1, 3), "escalate to tier2": (1, 3), "sla 30 minutes": (1, 3)}
    assert report.by_rule == {"RULE-1": (1, 3)}
    assert [hour for hour, added in enumerate(report.added_by_hour) if added] == [1, 3]
    assert (report.escalation_change.value, len(report.added_by_hour)) == (0.5, HOURS)
    assert report.escalation_change.low < 0.5 < report.escalation_change.high
    assert [sample.id for sample in report.samples] == ["1", "3"]
    assert report.samples[0].slots["queue"] == (None, "tier2")
    assert [(load.queue, load.a_week, load.busiest_load) for load in report.queues] == [("tier2", 3.0, 0.5)]


def test_nothing_changes_under_the_same_rules() -> None:
    live = a_ruleset(a_rule(FURIOUS, ESCALATE))

    report = backtest(live, live, turns(-1.0, 1.0))

    assert (report.changed, report.samples, report.escalation_change.value) == (0, (), 0.0)


def test_an_empty_history_is_no_error() -> None:
    live = a_ruleset(a_rule(FURIOUS, ESCALATE))

    assert backtest(live, live, []).turns == 0


def test_a_backtest_can_be_ended_and_says_so() -> None:
    live = a_ruleset(a_rule(FURIOUS, ESCALATE))

    report = backtest(live, live, turns(*[0.0] * 5_000), going_on=lambda done: done < 2_000)

    assert (report.turns, report.cancelled) == (2_000, True)


def test_it_decides_every_turn_as_the_live_engine_does() -> None:
    draw = random.Random(7)  # data, not a secret
    live, draft = a_set(some_rules(40, draw)), a_set(some_rules(40, draw))
    past = [Past(str(n), MONDAY + timedelta(minutes=n), some_facts(draw)) for n in range(2_000)]

    report = backtest(live, draft, past)

    decided = [(live.decide(turn.facts), draft.decide(turn.facts)) for turn in past]
    assert report.changed == sum(1 for old, new in decided if old.directive != new.directive)
    assert report.by_action["escalate"] == (
        sum(1 for old, _ in decided if old.directive.queue),
        sum(1 for _, new in decided if new.directive.queue),
    )
    assert report.by_rule["R-3"][1] == sum(1 for _, new in decided if "R-3" in {f.rule for f in new.fired})


def test_too_few_people_answer_late() -> None:
    rush = [(MONDAY + timedelta(hours=9, minutes=n), "tier2", 30) for n in range(60)]

    [busy] = forecast(rush, {"tier2": 10.0})
    [enough] = forecast(rush, {"tier2": 100.0})
    [unknown] = forecast(rush, {})

    assert (busy.busiest_load, enough.late) == (6.0, 0.0)
    assert unknown.busiest_load is None
    later = [*rush, (MONDAY + timedelta(hours=10), "tier2", 30)]
    assert next(iter(forecast(later, {"tier2": 10.0}))).late > 0


@settings(max_examples=50)
@given(
    st.sampled_from(["<", "<=", ">", ">="]),
    st.lists(st.floats(-1, 1), max_size=30),
    st.lists(st.sampled_from([-0.9, -0.5, 0.0, 0.5]), min_size=1, max_size=4),
    st.booleans(),
)
def test_a_sweep_counts_what_replacing_the_threshold_would(
    operator: str, scores: list[float], values: list[float], negated: bool
) -> None:
    leaf = Comparison("sentiment_score", operator, 0.25)
    web = Comparison("channel", "==", "web")
    wrapped: Condition = Group("NOT", (leaf,)) if negated else leaf
    condition = Group("AND", (wrapped, web))
    past = [
        Past(str(n), MONDAY, {"sentiment_score": score, "channel": "web" if n % 3 else "email"})
        for n, score in enumerate(scores)
    ]

    counted = sweep(condition, leaf, values, past, SCHEMA)

    for value, count in zip(values, counted, strict=True):
        changed: Condition = Comparison("sentiment_score", operator, value)
        changed = Group("NOT", (changed,)) if negated else changed
        naive = a_set([Group("AND", (changed, web))])
        assert count == sum(bool(naive.decide(turn.facts).fired) for turn in past)


def test_a_comparison_without_a_threshold_cannot_be_swept() -> None:
    leaf = Comparison("channel", "==", "web")

    with pytest.raises(RuleError):
        sweep(leaf, leaf, [1.0], [], SCHEMA)
