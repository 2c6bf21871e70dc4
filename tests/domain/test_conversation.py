"""The conversation: what is allowed when, what follows, and what is remembered."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from domain.conversation import (
    AFTER_HEARING,
    OPEN,
    TRANSITIONS,
    Conversation,
    Handoff,
    Status,
)
from domain.dialogue import MAX_CONTEXT_ENTITIES, Context
from domain.errors import TransitionError
from domain.events import Abandoned, Answered, ConversationStarted, Escalated, Resolved
from domain.ids import RuleId
from domain.message import Sender
from domain.nlu.entities import Entity, EntityType
from tests.builders import NOW, a_conversation, a_message, a_new_conversation, minutes

SILENCE = minutes(30)
HANDOFF = Handoff("The customer asked for a person.")

Operation = Callable[[Conversation], object]


def hear(conversation: Conversation) -> None:
    conversation.hear(a_message())


def answer(conversation: Conversation) -> None:
    reply = a_message("Click the link.", sender=Sender.AI_AGENT)
    conversation.answer(reply, response_type="informational", context=Context(topic="password_reset"))


def acknowledge(conversation: Conversation) -> None:
    conversation.acknowledge(a_message("Noted.", sender=Sender.SYSTEM))


def escalate(conversation: Conversation) -> None:
    conversation.escalate(HANDOFF, NOW)


def escalate_saying_so(conversation: Conversation) -> None:
    conversation.escalate(HANDOFF, NOW, notice=a_message("A person comes.", sender=Sender.SYSTEM))


def resolve(conversation: Conversation) -> None:
    conversation.resolve("customer", NOW)


def abandon(conversation: Conversation) -> bool:
    return conversation.abandon(NOW + SILENCE, after=SILENCE)


ALLOWED: list[tuple[Operation, Status, Status]] = [
    (hear, Status.ACTIVE, Status.WAITING),
    (hear, Status.WAITING, Status.WAITING),
    (hear, Status.ESCALATED, Status.ESCALATED),
    (answer, Status.ACTIVE, Status.ACTIVE),
    (answer, Status.WAITING, Status.ACTIVE),
    (acknowledge, Status.ESCALATED, Status.ESCALATED),
    (escalate, Status.ACTIVE, Status.ESCALATED),
    (escalate, Status.WAITING, Status.ESCALATED),
    (escalate, Status.ESCALATED, Status.ESCALATED),
    (escalate_saying_so, Status.ACTIVE, Status.ESCALATED),
    (escalate_saying_so, Status.WAITING, Status.ESCALATED),
    (escalate_saying_so, Status.ESCALATED, Status.ESCALATED),
    (resolve, Status.ACTIVE, Status.RESOLVED),
    (resolve, Status.WAITING, Status.RESOLVED),
    (resolve, Status.ESCALATED, Status.RESOLVED),
    (resolve, Status.RESOLVED, Status.RESOLVED),
    (abandon, Status.ACTIVE, Status.ABANDONED),
    (abandon, Status.WAITING, Status.WAITING),
    (abandon, Status.ESCALATED, Status.ESCALATED),
    (abandon, Status.RESOLVED, Status.RESOLVED),
    (abandon, Status.ABANDONED, Status.ABANDONED),
]
REFUSED: list[tuple[Operation, Status, str]] = [
    (hear, Status.RESOLVED, "conversation_resolved"),
    (hear, Status.ABANDONED, "conversation_abandoned"),
    (answer, Status.ESCALATED, "conversation_escalated"),
    (answer, Status.RESOLVED, "conversation_resolved"),
    (answer, Status.ABANDONED, "conversation_abandoned"),
    (acknowledge, Status.ACTIVE, "conversation_not_escalated"),
    (acknowledge, Status.WAITING, "conversation_not_escalated"),
    (acknowledge, Status.RESOLVED, "conversation_not_escalated"),
    (acknowledge, Status.ABANDONED, "conversation_not_escalated"),
    (escalate, Status.RESOLVED, "conversation_resolved"),
    (escalate, Status.ABANDONED, "conversation_abandoned"),
    (escalate_saying_so, Status.RESOLVED, "conversation_resolved"),
    (escalate_saying_so, Status.ABANDONED, "conversation_abandoned"),
    (resolve, Status.ABANDONED, "conversation_abandoned"),
]


def named(value: object) -> str:
    return getattr(value, "__name__", str(value))


def in_status(status: Status) -> Conversation:
    """A conversation that came to a status the way customers bring it there."""
    conversation = a_conversation()
    if status is Status.WAITING:
        hear(conversation)
    elif status is Status.ESCALATED:
        escalate(conversation)
    elif status is Status.RESOLVED:
        resolve(conversation)
    elif status is Status.ABANDONED:
        abandon(conversation)
    conversation.events.clear()
    conversation.said.clear()
    return conversation


def an_entity(value: str = "Account", *, text: str = "account", start: int = 0) -> Entity:
    return Entity(EntityType.SALESFORCE_OBJECT, text, value, start, start + len(text))


@pytest.mark.parametrize(("operation", "before", "after"), ALLOWED, ids=named)
def test_each_allowed_operation_leads_to_its_status(
    operation: Operation, before: Status, after: Status
) -> None:
    conversation = in_status(before)

    operation(conversation)

    assert conversation.status is after


@pytest.mark.parametrize(("operation", "status", "code"), REFUSED, ids=named)
def test_each_refused_operation_has_a_stable_code(operation: Operation, status: Status, code: str) -> None:
    conversation = in_status(status)

    with pytest.raises(TransitionError) as refused:
        operation(conversation)

    assert refused.value.code == code


@pytest.mark.parametrize(("operation", "status", "code"), REFUSED, ids=named)
def test_a_refused_operation_changes_nothing(operation: Operation, status: Status, code: str) -> None:
    conversation = in_status(status)
    before = deepcopy(conversation)

    with pytest.raises(TransitionError):
        operation(conversation)

    assert conversation == before


def test_every_status_and_operation_is_either_allowed_or_refused() -> None:
    operations = {operation for operation, _, _ in ALLOWED}

    covered = [(operation, status) for operation, status, _ in (*ALLOWED, *REFUSED)]

    assert sorted(covered, key=str) == sorted(((o, s) for o in operations for s in Status), key=str)


def test_open_conversations_are_the_ones_that_can_hear() -> None:
    assert frozenset({Status.ACTIVE, Status.WAITING, Status.ESCALATED}) == OPEN
    assert AFTER_HEARING == {
        Status.ACTIVE: Status.WAITING,
        Status.WAITING: Status.WAITING,
        Status.ESCALATED: Status.ESCALATED,
    }


def test_a_new_conversation_is_active_greets_and_counts_no_message() -> None:
    conversation = a_new_conversation()

    assert conversation.status is Status.ACTIVE
    assert [message.kind for message in conversation.said] == ["greeting"]
    assert conversation.message_count == 0
    assert conversation.unanswered == 0
    assert conversation.started_at == conversation.last_activity_at == NOW
    assert conversation.events == [ConversationStarted(conversation.id, NOW)]


def test_a_question_and_its_answer_count_two_messages() -> None:
    conversation = a_new_conversation()

    hear(conversation)
    answer(conversation)

    assert conversation.message_count == 2
    assert len(conversation.said) == 3


@pytest.mark.parametrize(
    ("sender", "count"), [(Sender.SYSTEM, 0), (Sender.HUMAN_AGENT, 1), (Sender.AI_AGENT, 1)]
)
def test_system_messages_do_not_count(sender: Sender, count: int) -> None:
    conversation = a_conversation()

    conversation.tell(a_message("A person was asked for.", sender=sender))

    assert conversation.message_count == count


def test_telling_something_answers_no_message() -> None:
    conversation = in_status(Status.WAITING)

    conversation.tell(a_message("One moment.", sender=Sender.SYSTEM, at=NOW + minutes(1)))

    assert conversation.unanswered == 1
    assert conversation.status is Status.WAITING
    assert conversation.last_activity_at == NOW + minutes(1)


def test_a_conversation_waits_until_every_message_is_answered() -> None:
    conversation = a_conversation()
    for _ in range(3):
        hear(conversation)

    seen = []
    for _ in range(3):
        answer(conversation)
        seen.append((conversation.status, conversation.unanswered))

    assert seen == [(Status.WAITING, 2), (Status.WAITING, 1), (Status.ACTIVE, 0)]


def test_an_answer_to_nothing_leaves_nothing_unanswered() -> None:
    conversation = in_status(Status.ACTIVE)

    answer(conversation)

    assert conversation.unanswered == 0


def test_an_answer_records_what_it_answers_and_replaces_the_context() -> None:
    conversation = a_conversation()
    question = a_message()
    conversation.hear(question)
    reply = a_message("Click.", sender=Sender.AI_AGENT, in_reply_to=question.id, at=NOW + minutes(1))

    conversation.answer(reply, response_type="technical", context=Context(topic="login"))

    assert conversation.context.topic == "login"
    assert conversation.events == [
        Answered(conversation.id, reply.at, message=question.id, response_type="technical")
    ]


def test_an_answer_to_no_message_is_recorded_under_its_own_id() -> None:
    conversation = a_conversation()
    reply = a_message("Anything else?", sender=Sender.AI_AGENT)

    conversation.answer(reply, response_type="informational", context=Context())

    assert conversation.events == [
        Answered(conversation.id, NOW, message=reply.id, response_type="informational")
    ]


def test_escalating_records_the_handoff() -> None:
    conversation = in_status(Status.WAITING)
    handoff = Handoff("Angry", "enterprise_support", "high", ("RULE-ESC-001",), ("lead by email",), 15)

    conversation.escalate(handoff, NOW + minutes(1))

    assert conversation.handoff == replace(handoff, due=NOW + minutes(16))
    assert conversation.last_activity_at == NOW + minutes(1)
    assert conversation.events == [
        Escalated(
            conversation.id,
            NOW + minutes(1),
            reason="Angry",
            queue="enterprise_support",
            priority="high",
            rules=(RuleId("RULE-ESC-001"),),
            notify=("lead by email",),
            sla_minutes=15,
        )
    ]


def test_escalating_twice_records_one_event_and_keeps_the_first_handoff() -> None:
    conversation = a_conversation()
    conversation.escalate(HANDOFF, NOW)

    conversation.escalate(Handoff("Another reason", "other_queue"), NOW + minutes(5))

    assert len(conversation.events) == 1
    assert conversation.handoff == HANDOFF
    assert conversation.last_activity_at == NOW


def test_escalating_again_still_says_the_notice_to_a_waiting_message() -> None:
    conversation = in_status(Status.ESCALATED)
    hear(conversation)

    escalate_saying_so(conversation)

    assert conversation.unanswered == 0
    assert [message.content for message in conversation.said][-1] == "A person comes."
    assert conversation.events == []


@pytest.mark.parametrize(("operation", "left"), [(escalate, 2), (escalate_saying_so, 1)], ids=named)
def test_only_an_escalation_that_is_announced_answers_a_message(operation: Operation, left: int) -> None:
    conversation = a_conversation()
    hear(conversation)
    hear(conversation)

    operation(conversation)

    assert conversation.unanswered == left


def test_an_acknowledgement_answers_one_message_and_records_no_event() -> None:
    conversation = in_status(Status.ESCALATED)
    hear(conversation)
    hear(conversation)

    acknowledge(conversation)

    assert conversation.unanswered == 1
    assert conversation.message_count == 2
    assert conversation.events == []


def test_resolving_ends_the_conversation_and_owes_no_answer() -> None:
    conversation = in_status(Status.WAITING)

    conversation.resolve("human", NOW + minutes(2))

    assert conversation.ended_at == NOW + minutes(2)
    assert conversation.resolution == "human"
    assert conversation.unanswered == 0
    assert conversation.events == [Resolved(conversation.id, NOW + minutes(2), resolution="human")]


def test_resolving_twice_records_one_event_and_keeps_the_first_resolution() -> None:
    conversation = a_conversation()
    conversation.resolve("human", NOW)

    conversation.resolve("automated", NOW + minutes(9))

    assert len(conversation.events) == 1
    assert conversation.resolution == "human"
    assert conversation.ended_at == NOW


@pytest.mark.parametrize(
    ("silent", "abandoned"), [(minutes(29.99), False), (minutes(30), True), (minutes(31), True)]
)
def test_a_conversation_is_abandoned_when_it_was_silent_long_enough(
    silent: timedelta, abandoned: bool
) -> None:
    conversation = a_conversation()

    closed = conversation.abandon(NOW + silent, after=SILENCE)

    assert closed is abandoned
    assert (conversation.status is Status.ABANDONED) is abandoned
    assert conversation.events == ([Abandoned(conversation.id, NOW + silent)] if abandoned else [])
    assert conversation.ended_at == (NOW + silent if abandoned else None)


def test_silence_is_counted_from_the_last_thing_said() -> None:
    conversation = a_conversation()
    conversation.hear(a_message(at=NOW + minutes(20)))
    reply = a_message("Click.", sender=Sender.AI_AGENT, at=NOW + minutes(21))
    conversation.answer(reply, response_type="informational", context=Context())

    too_early = conversation.abandon(NOW + minutes(50), after=SILENCE)
    in_time = conversation.abandon(NOW + minutes(51), after=SILENCE)

    assert (too_early, in_time) == (False, True)


def test_an_abandoned_conversation_forgets_its_context() -> None:
    conversation = a_conversation()
    answer(conversation)

    abandon(conversation)

    assert conversation.context == Context()


@pytest.mark.parametrize("status", [Status.WAITING, Status.ESCALATED, Status.RESOLVED], ids=named)
def test_a_conversation_that_is_not_active_is_never_abandoned(status: Status) -> None:
    conversation = in_status(status)

    closed = conversation.abandon(NOW + timedelta(days=365), after=SILENCE)

    assert closed is False
    assert conversation.events == []


@pytest.mark.parametrize("operation", [hear, acknowledge, escalate_saying_so], ids=named)
def test_activity_never_moves_backwards_when_clocks_differ(operation: Operation) -> None:
    conversation = in_status(Status.ESCALATED)
    conversation.tell(a_message("Hello", sender=Sender.HUMAN_AGENT, at=NOW + minutes(5)))

    operation(conversation)

    assert conversation.last_activity_at == NOW + minutes(5)


def after(
    context: Context,
    *,
    topic: str | None = "login",
    question: str = "How?",
    entities: tuple[Entity, ...] = (),
    sentiment: float = 0.0,
    answered: bool = True,
) -> Context:
    return context.after(
        topic=topic, question=question, entities=entities, sentiment=sentiment, answered=answered
    )


def test_the_topic_is_kept_when_a_turn_names_none() -> None:
    context = after(after(Context(), topic="billing"), topic=None)

    assert context.topic == "billing"


def test_a_new_topic_replaces_the_old_one() -> None:
    context = after(after(Context(), topic="billing"), topic="login")

    assert context.topic == "login"


def test_only_an_answered_question_is_remembered() -> None:
    context = after(after(Context(), question="First?"), question="Second?", answered=False)

    assert context.last_question == "First?"


def test_turns_without_an_answer_are_counted_until_the_next_answer() -> None:
    failed_twice = after(after(Context(), answered=False), answered=False)

    answered = after(failed_twice, answered=True)

    assert failed_twice.unanswered_in_a_row == 2
    assert answered.unanswered_in_a_row == 0


def test_the_ten_latest_sentiments_are_remembered_in_order() -> None:
    context = Context()
    for number in range(12):
        context = after(context, sentiment=number / 100)

    assert context.sentiment == tuple(number / 100 for number in range(2, 12))


def test_entities_of_the_newest_turn_come_first_and_each_once() -> None:
    earlier = after(Context(), entities=(an_entity("Account"), an_entity("Contact")))

    later = after(earlier, entities=(an_entity("Case"), an_entity("Account")))

    assert [entity.value for entity in later.entities] == ["Case", "Account", "Contact"]


def test_an_entity_named_again_is_remembered_as_last_mentioned() -> None:
    earlier = after(Context(), entities=(an_entity("Account", text="accounts", start=90),))

    later = after(earlier, entities=(an_entity("Account", text="account", start=7),))

    assert later.entities == (an_entity("Account", text="account", start=7),)


def test_values_of_different_types_are_different_entities() -> None:
    code = Entity(EntityType.CODE, "`Account`", "Account", 0, 9)

    context = after(Context(), entities=(an_entity("Account"), code))

    assert len(context.entities) == 2


def test_remembered_entities_are_capped_and_the_oldest_go() -> None:
    earlier = after(Context(), entities=tuple(an_entity(f"Old{n}") for n in range(15)))

    later = after(earlier, entities=tuple(an_entity(f"New{n}") for n in range(10)))

    assert len(later.entities) == MAX_CONTEXT_ENTITIES
    assert [entity.value for entity in later.entities][:10] == [f"New{n}" for n in range(10)]
    assert later.entities[-1].value == "Old9"


class ConversationMachine(RuleBasedStateMachine):
    """Any sequence of operations, each tried whether or not it is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.conversation = a_new_conversation()
        self.conversation.events.clear()
        self.was = Status.ACTIVE
        self.escalated = False
        self.answers_at_escalation = 0

    def attempt(self, operation: Operation) -> None:
        self.was = self.conversation.status
        with suppress(TransitionError):
            operation(self.conversation)
        if not self.escalated and self.conversation.status is Status.ESCALATED:
            self.escalated, self.answers_at_escalation = True, self.answers()

    def answers(self) -> int:
        return sum(1 for message in self.conversation.said if message.sender is Sender.AI_AGENT)

    @rule(passed=st.integers(0, 40))
    def time_passes(self, passed: int) -> None:
        self.now += minutes(passed)
        self.was = self.conversation.status

    @rule()
    def the_customer_writes(self) -> None:
        self.attempt(lambda c: c.hear(a_message(at=self.now)))

    @rule()
    def the_agent_answers(self) -> None:
        reply = a_message("Click.", sender=Sender.AI_AGENT, at=self.now)
        self.attempt(lambda c: c.answer(reply, response_type="informational", context=Context(topic="x")))

    @rule()
    def the_agent_acknowledges(self) -> None:
        notice = a_message("Noted.", sender=Sender.SYSTEM, at=self.now)
        self.attempt(lambda c: c.acknowledge(notice))

    @rule(announced=st.booleans())
    def people_are_called(self, announced: bool) -> None:
        notice = a_message("A person comes.", sender=Sender.SYSTEM, at=self.now) if announced else None
        self.attempt(lambda c: c.escalate(HANDOFF, self.now, notice=notice))

    @rule()
    def a_person_writes(self) -> None:
        self.attempt(lambda c: c.tell(a_message("Hi.", sender=Sender.HUMAN_AGENT, at=self.now)))

    @rule()
    def it_is_resolved(self) -> None:
        self.attempt(lambda c: c.resolve("customer", self.now))

    @rule()
    def silence_is_checked(self) -> None:
        self.attempt(lambda c: c.abandon(self.now, after=SILENCE))

    @invariant()
    def the_status_follows_the_table(self) -> None:
        assert self.conversation.status is self.was or self.conversation.status in TRANSITIONS[self.was]

    @invariant()
    def unanswered_is_never_negative_and_agrees_with_the_status(self) -> None:
        assert self.conversation.unanswered >= 0
        if self.conversation.status is not Status.ESCALATED:
            assert (self.conversation.unanswered > 0) is (self.conversation.status is Status.WAITING)

    @invariant()
    def the_agent_is_silent_after_an_escalation(self) -> None:
        assert not self.escalated or self.answers() == self.answers_at_escalation

    @invariant()
    def every_counted_message_is_kept(self) -> None:
        counted = [message for message in self.conversation.said if message.sender is not Sender.SYSTEM]
        assert self.conversation.message_count == len(counted)

    @invariant()
    def an_end_has_a_time_and_one_event(self) -> None:
        ended = self.conversation.status in {Status.RESOLVED, Status.ABANDONED}
        ends = [event for event in self.conversation.events if isinstance(event, Resolved | Abandoned)]
        assert (self.conversation.ended_at is not None) is ended
        assert len(ends) == ended

    @invariant()
    def there_is_a_handoff_exactly_when_it_was_escalated_once(self) -> None:
        escalations = [event for event in self.conversation.events if isinstance(event, Escalated)]
        assert len(escalations) == self.escalated
        assert (self.conversation.handoff is not None) is self.escalated


def test_no_sequence_of_operations_leaves_the_table_or_lets_the_agent_speak_over_people() -> None:
    run_state_machine_as_test(ConversationMachine, settings=settings(max_examples=50, stateful_step_count=20))
