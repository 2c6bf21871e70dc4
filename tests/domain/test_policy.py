"""What a tenant allows of answers."""

from math import inf, nan

import pytest
from msgspec.structs import replace

from domain.conversation import Status
from domain.dialogue import MAX_EARLIER, MAX_EXCHANGES, Context
from domain.errors import DataFileError
from domain.plan import Outcome, Plan
from domain.policy import AnswerPolicy, Below, checked_policy
from domain.rules.trial import InForce
from domain.turn import plan_turn
from tests.builders import a_brain, a_conversation, a_hit, a_ruleset, an_understanding, something_heard


def planned(policy: AnswerPolicy) -> Plan:
    heard = something_heard(conversation=a_conversation(status=Status.WAITING))
    heard = replace(heard, policy=policy)
    return plan_turn(heard, an_understanding(), (a_hit(),), InForce(a_ruleset()), a_brain())


def test_an_answer_that_is_sure_enough_is_given() -> None:
    assert planned(AnswerPolicy(0.05, 0.5, Below.PERSON)).why.outcome is Outcome.ANSWERED


def test_below_the_threshold_a_question_is_asked_instead() -> None:
    plan = planned(AnswerPolicy(0.05, 1.01))

    assert plan.why.outcome in {Outcome.CLARIFIED, Outcome.DECLINED}
    assert plan.citations == ()


def test_below_the_threshold_a_person_may_review_the_draft() -> None:
    plan = planned(AnswerPolicy(0.05, 1.01, Below.REVIEW))

    assert plan.handoff is not None
    assert "Click the link" in plan.handoff.draft
    assert "Click the link" not in plan.text
    assert plan.text == "to be approved"


def test_below_the_threshold_a_person_may_take_over() -> None:
    plan = planned(AnswerPolicy(0.05, 1.01, Below.PERSON))

    assert plan.handoff is not None
    assert plan.handoff.draft == ""
    assert plan.handoff.reason == "The answer is less sure than the error budget allows."


@pytest.mark.parametrize(
    "policy",
    [
        AnswerPolicy(error_budget=0.0),
        AnswerPolicy(error_budget=1.0),
        AnswerPolicy(error_budget=nan),
        AnswerPolicy(daily_cost=-0.01),
        AnswerPolicy(daily_cost=nan),
        AnswerPolicy(daily_cost=inf),
        AnswerPolicy(models=("local", "anything")),
    ],
)
def test_what_makes_no_sense_is_refused(policy: AnswerPolicy) -> None:
    with pytest.raises(DataFileError):
        checked_policy(policy)


def test_what_makes_sense_is_taken() -> None:
    policy = AnswerPolicy(0.05, 0.0, Below.REVIEW, ("local",), 0.0)

    assert checked_policy(policy) is policy


def test_old_exchanges_are_remembered_by_their_titles() -> None:
    context = Context()
    for number in range(MAX_EXCHANGES + MAX_EARLIER + 5):
        context = context.remembering("Why? " * 200, (f"Title {number}", "Twice"))

    assert len(context.exchanges) == MAX_EXCHANGES
    assert len(context.exchanges[0].question) == 300
    assert len(context.earlier) == MAX_EARLIER
    assert context.earlier[-1] == f"Title {MAX_EARLIER + 4}"
