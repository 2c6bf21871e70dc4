"""How a turn goes on from the ones before: the next best answer, one question at a time, then a person."""

from msgspec.structs import replace

from domain.clarify import Facet
from domain.conversation import Conversation, Status
from domain.dialogue import Context, Move
from domain.facts import Brain, Heard
from domain.nlu.cues import phrases_pattern
from domain.plan import Outcome, Plan
from domain.retrieval.passages import Hit
from domain.rules.trial import InForce
from domain.turn import plan_turn
from tests.builders import (
    a_brain,
    a_conversation,
    a_hit,
    a_message,
    a_passage,
    a_ruleset,
    an_intent,
    an_understanding,
    something_heard,
)

UNSURE = 0.45
"""A cosine whose relevance is between hint and floor."""
ORG = Facet("org", {"Sandbox": phrases_pattern(["sandbox"]), "Production": phrases_pattern(["production"])})


def talking(context: Context) -> Conversation:
    conversation = a_conversation(status=Status.WAITING)
    conversation.context = context
    return conversation


def planned(context: Context, *hits: Hit, move: Move = Move.QUESTION, brain: Brain | None = None) -> Plan:
    said = something_heard(conversation=talking(context))
    heard = Heard(said.conversation, said.message, said.question, said.tier, said.at, move=move)
    return plan_turn(heard, an_understanding(), hits, InForce(a_ruleset()), brain or a_brain())


def found(article: str, body: str = "Click the link.", cosine: float = 0.8) -> Hit:
    return a_hit(a_passage(body, article=article), cosine=cosine)


ANSWERED = Context(topic="password_reset", last_question="How?", shown=("KB-1",))


def test_an_answer_that_did_not_help_is_followed_by_the_next_best() -> None:
    plan = planned(ANSWERED, found("KB-1"), found("KB-2"), move=Move.NOT_HELPED)

    assert plan.why.outcome is Outcome.ANSWERED
    assert plan.text.startswith("next best\n\n")
    assert [one.article_id for one in plan.citations] == ["KB-2"]
    assert (plan.context.shown, plan.context.unhelped) == (("KB-1", "KB-2"), 1)
    assert plan.why.move is Move.NOT_HELPED


def test_without_a_next_best_a_person_takes_over() -> None:
    plan = planned(ANSWERED, found("KB-1"), found("KB-2", cosine=0.2), move=Move.NOT_HELPED)

    assert plan.why.outcome is Outcome.ESCALATED
    assert plan.handoff is not None
    assert plan.handoff.reason == "The answers did not help."


def test_two_answers_that_did_not_help_are_enough() -> None:
    context = Context(topic="password_reset", last_question="How?", shown=("KB-1", "KB-2"), unhelped=1)

    plan = planned(context, found("KB-3"), move=Move.NOT_HELPED)

    assert plan.why.outcome is Outcome.ESCALATED


def test_a_new_answer_begins_anew() -> None:
    context = Context(last_question="How?", shown=("KB-1",), unhelped=1, asked=("intent:x",))

    plan = planned(context, found("KB-1"))

    assert (plan.context.shown, plan.context.unhelped, plan.context.asked) == (("KB-1",), 0, ())


def test_questions_follow_one_another_and_none_comes_twice() -> None:
    brain = replace(a_brain(an_intent(clarify="Which login?")), facets=(ORG,))
    hits = (found("KB-1", "In a sandbox.", UNSURE), found("KB-2", "In production.", UNSURE))
    context, said = Context(), []
    for _ in range(4):
        plan = planned(context, *hits, brain=brain)
        context = plan.context
        said.append(plan.text.split("\n")[0])

    assert said == [
        "which one: Sandbox, Production",
        "clarify: Which login?",
        "did you mean: Reset a password",
        "decline",
    ]


def test_a_message_that_is_not_for_us_is_not_asked_for_facts() -> None:
    brain = replace(a_brain(), facets=(ORG,))
    hits = (found("KB-1", "In a sandbox.", UNSURE), found("KB-2", "In production.", UNSURE))

    plan = plan_turn(something_heard(), an_understanding(known=False), hits, InForce(a_ruleset()), brain)

    assert plan.text == "did you mean: Reset a password"


def test_the_choices_can_be_clicked_and_the_reply_is_read_with_the_question() -> None:
    brain = replace(a_brain(), facets=(ORG,))
    hits = (found("KB-1", "In a sandbox.", UNSURE), found("KB-2", "In production.", UNSURE))

    plan = planned(Context(), *hits, brain=brain)

    assert plan.suggested_actions[:2] == ("Sandbox", "Production")
    assert plan.context.asked == ("facet:org",)
    asking = plan.context.asking
    assert asking is not None
    reply = a_message("Sandbox", at=asking.at)
    assert plan.context.whole(reply) == f"{asking.message}\nSandbox"
