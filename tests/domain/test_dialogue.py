"""What a message is to the talk before it."""

import pytest

from adapters.starter.loader import cues
from domain.dialogue import Asking, Context, Move, Reading, question_for, read
from domain.nlu.entities import Entity, EntityType
from domain.nlu.intents import IntentGuess
from tests.builders import NOW, a_message

BEFORE = "How do I lock a row?"


@pytest.mark.parametrize(
    "text",
    [
        "and in Apex?",
        "What about Flow?",
        "And what about Flow?",
        "and how?",
        "it still fails",
        "okay but in Apex",
        "why",
    ],
)
def test_a_short_follow_up_is_read_together_with_the_question_before(text: str) -> None:
    assert question_for(text, Context(last_question=BEFORE)) == f"{BEFORE} {text}"


@pytest.mark.parametrize(
    "text",
    [
        "Android app login",
        "How do I delete it?",
        "and how do I delete a flow version?",
        "Why does my flow fail?",
        "and the nightly batch job fails with heap size errors",
        "italian address format",
    ],
)
def test_a_question_of_its_own_stands_alone(text: str) -> None:
    assert question_for(text, Context(last_question=BEFORE)) == text


def test_a_follow_up_to_nothing_stands_alone() -> None:
    assert question_for("and in Apex?", Context()) == "and in Apex?"


def test_blanks_around_a_question_do_not_count() -> None:
    assert question_for("  and in Apex?\n", Context(last_question=BEFORE)) == f"{BEFORE} and in Apex?"


ANSWERED = Context(topic="row_lock", last_question=BEFORE, shown=("KB-1",))
UNKNOWN = IntentGuess("password_reset", 0.2, False, 1.0)
PASSWORD = IntentGuess("password_reset", 0.9, True, -1.0)
LOCK = IntentGuess("row_lock", 0.9, True, -1.0)


def reading(text: str, context: Context, alone: IntentGuess = UNKNOWN) -> Reading:
    return read(a_message(text), context, alone, cues())


@pytest.mark.parametrize(
    "text",
    [
        "That did not help.",
        "it still doesn't work",
        "this didn\u2019t fix it",
        "Your answer is not helpful",
        "None of that worked for me",
        "I already tried that",
        "any other ideas?",
        "that's not what I asked",
        "Still the same error",
    ],
)
def test_a_customer_whom_the_answer_did_not_help_is_understood(text: str) -> None:
    found = reading(text, ANSWERED)

    assert (found.move, found.question) == (Move.NOT_HELPED, BEFORE)


@pytest.mark.parametrize(
    "text", ["That did help, thanks", "It works now", "Does that work in a sandbox?", "Which steps help me?"]
)
def test_a_customer_whom_it_helped_is_not_taken_for_one_whom_it_did_not(text: str) -> None:
    assert reading(text, ANSWERED).move is not Move.NOT_HELPED


def test_what_they_add_is_searched_for_too() -> None:
    found = reading("That did not help. The nightly import fails with a lock error.", ANSWERED)

    assert found.question.startswith(BEFORE)
    assert "nightly import" in found.question
    assert "help" not in found.question


def test_without_an_answer_before_nothing_failed_to_help() -> None:
    assert reading("The reset email did not help, it did not work", Context()).move is Move.QUESTION


def test_another_topic_is_noticed_and_what_was_asked_and_shown_before_is_done_with() -> None:
    before = Context(
        topic="row_lock",
        last_question=BEFORE,
        entities=(Entity(EntityType.PRODUCT, "Flow", "Flow", 0, 4),),
        asking=Asking("", BEFORE, NOW),
        asked=("intent:row_lock",),
        shown=("KB-1",),
        unhelped=1,
    )

    found = reading("How can I reset my password?", before, PASSWORD)

    assert (found.move, found.question) == (Move.TOPIC_CHANGE, "How can I reset my password?")
    assert found.context == Context(topic="row_lock", last_question=BEFORE)


def test_what_the_rules_asked_for_is_waited_for_on_any_topic() -> None:
    asking = Asking("plan", BEFORE, NOW)

    found = reading("How can I reset my password?", Context(topic="row_lock", asking=asking), PASSWORD)

    assert found.move is Move.REPLY
    assert found.context.asking == asking


@pytest.mark.parametrize("alone", [LOCK, UNKNOWN])
def test_a_reply_to_our_question_is_read_with_what_made_us_ask(alone: IntentGuess) -> None:
    context = Context(topic="row_lock", asking=Asking("", "Saving fails", NOW))

    found = reading("only in the batch job", context, alone)

    assert (found.move, found.question) == (Move.REPLY, "Saving fails\nonly in the batch job")


def test_a_follow_up_is_told_from_a_question() -> None:
    assert reading("and in Apex?", ANSWERED).move is Move.FOLLOW_UP
    assert reading("How do I delete a flow version?", ANSWERED).move is Move.QUESTION
