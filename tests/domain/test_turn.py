"""Planning one turn: every way it can end, and the reasons it leaves behind."""

from datetime import UTC, datetime

import msgspec
import pytest

from adapters.starter.loader import calendar, schema
from adapters.starter.loader import cues as starter_cues
from domain.conversation import Channel, Conversation, Status
from domain.dialogue import Context, Exchange, question_for
from domain.facts import Brain, Heard, facts_for
from domain.message import Attachment, AttachmentType, Message, Sender
from domain.nlu.cues import Cues
from domain.nlu.entities import Entity, EntityType
from domain.nlu.sentiment import ASPECTS
from domain.nlu.understanding import Language, Understanding
from domain.plan import Considered, Outcome, Plan, ResponseType
from domain.retrieval.passages import Hit
from domain.rules.ruleset import RuleSet, parse_ruleset
from domain.rules.trial import InForce
from domain.texts import Catalogue
from domain.turn import plan_turn
from domain.written import Request
from tests.builders import (
    a_brain,
    a_conversation,
    a_hit,
    a_passage,
    a_rule,
    a_ruleset,
    an_intent,
    an_understanding,
    some_texts,
    something_heard,
)

SURE, UNSURE, FAR = 0.8, 0.45, 0.2
"""Cosines whose relevance is above the floor, between hint and floor, and below the hint."""

BEFORE = "How do I lock a row?"
NO_RULES = a_ruleset()
BILLING = {"field": "issue_type", "operator": "==", "value": "billing"}


def planned(
    heard: Heard | None = None,
    understood: Understanding | None = None,
    hits: tuple[Hit, ...] = (),
    *,
    rules: RuleSet = NO_RULES,
    brain: Brain | None = None,
) -> Plan:
    return plan_turn(
        heard or something_heard(), understood or an_understanding(), hits, InForce(rules), brain or a_brain()
    )


def a_found(body: str = "Click the link. Then wait.", *, cosine: float = SURE, number: int = 0) -> Hit:
    return a_hit(a_passage(body, number=number), cosine=cosine)


def after_failures(count: int) -> Conversation:
    conversation = a_conversation(status=Status.WAITING)
    conversation.context = Context(unanswered_in_a_row=count)
    return conversation


def with_entities(understood: Understanding, *entities: Entity) -> Understanding:
    return msgspec.structs.replace(understood, entities=entities)


def an_error(value: str = "UNABLE_TO_LOCK_ROW") -> Entity:
    return Entity(EntityType.ERROR, value, value, 0, len(value))


def test_a_relevant_passage_is_the_answer() -> None:
    plan = planned(hits=(a_found(),))

    assert plan.why.outcome is Outcome.ANSWERED
    assert plan.answered
    assert plan.text == "Click the link. [1] Then wait. [1]"
    assert [citation.passage_id for citation in plan.citations] == ["KB-TEST-001#0"]
    assert plan.suggested_actions == ("action: resolved", "action: person")
    assert plan.handoff is None
    assert plan.why.route == "extractive"


def test_an_answers_confidence_is_the_relevance_of_its_passage() -> None:
    plan = planned(hits=(a_found(),))

    assert plan.confidence == pytest.approx(0.953, abs=0.001)
    assert plan.why.confidence.value == plan.confidence
    assert plan.why.confidence.support == 1.0


def test_passages_of_other_articles_that_are_not_relevant_stay_out_of_the_answer() -> None:
    far = a_hit(a_passage("Look for spam.", article="B"), cosine=FAR)
    near = a_hit(a_passage("Look for spam.", article="C"), cosine=0.75)

    plan = planned(something_heard("reset link spam"), hits=(a_found(), far, near))

    assert [citation.article_id for citation in plan.citations] == ["KB-TEST-001", "C"]


@pytest.mark.parametrize(
    ("body", "entities", "response_type"),
    [
        ("Click the link.", (), ResponseType.INFORMATIONAL),
        ("- Click the link.", (), ResponseType.INFORMATIONAL),
        ("1. Click the link.\n2. Wait.", (), ResponseType.INSTRUCTIONAL),
        ("Run it:\n\n```apex\nrun();\n```", (), ResponseType.TECHNICAL),
        ("Run it:\n\n~~~\nrun();\n~~~", (), ResponseType.TECHNICAL),
        ("1. Run it.\n\n```apex\nrun();\n```", (), ResponseType.TECHNICAL),
        ("Try again later.", (an_error(),), ResponseType.TECHNICAL),
    ],
    ids=["prose", "bullets", "steps", "code", "code between tildes", "steps and code", "an error was named"],
)
def test_the_response_type_follows_what_is_said(
    body: str, entities: tuple[Entity, ...], response_type: ResponseType
) -> None:
    plan = planned(understood=with_entities(an_understanding(), *entities), hits=(a_found(body),))

    assert plan.response_type is response_type


@pytest.mark.parametrize(
    ("question", "wanted", "numbers"),
    [
        ("Reset password", "informational", [0]),
        ("Reset password", "instructional", [0, 1]),
        ("How reset password", "informational", [0, 1]),
        ("Reset password", "technical", [0, 2]),
    ],
    ids=["nothing wanted", "the intent wants steps", "the question asks how", "the intent wants code"],
)
def test_steps_and_code_come_along_when_they_are_wanted(
    question: str, wanted: str, numbers: list[int]
) -> None:
    opening = a_found("Reset your password.")
    steps = a_found("1. Click the link.", number=1, cosine=FAR)
    code = a_found("```\nreset();\n```", number=2, cosine=FAR)

    plan = planned(
        something_heard(question), hits=(opening, steps, code), brain=a_brain(an_intent(response_type=wanted))
    )

    assert [citation.passage_id for citation in plan.citations] == [f"KB-TEST-001#{n}" for n in numbers]


def test_the_searched_question_decides_what_is_wanted() -> None:
    heard = something_heard("and in Apex?", question="How do I reset it? and in Apex?")

    plan = planned(heard, hits=(a_found("1. Click."),), brain=a_brain(an_intent(response_type="")))

    assert plan.why.question == "How do I reset it? and in Apex?"
    assert plan.context.last_question == "How do I reset it? and in Apex?"


def test_a_passage_that_says_nothing_is_no_answer() -> None:
    plan = planned(hits=(a_found(""),))

    assert plan.why.outcome is Outcome.CLARIFIED
    assert plan.citations == ()


@pytest.mark.parametrize("cosine", [FAR, UNSURE])
def test_a_clarifying_question_of_the_intent_is_asked(cosine: float) -> None:
    brain = a_brain(an_intent(clarify="Which {kind} of login?"))

    plan = planned(hits=(a_found(cosine=cosine),), brain=brain)

    assert plan.why.outcome is Outcome.CLARIFIED
    assert plan.response_type is ResponseType.CLARIFICATION
    assert plan.text == "clarify: Which {kind} of login?"
    assert plan.suggested_actions == ("action: rephrase", "action: person")
    assert not plan.answered


def test_a_nearly_relevant_passage_is_offered_by_its_title() -> None:
    plan = planned(hits=(a_found(cosine=UNSURE),))

    assert plan.why.outcome is Outcome.CLARIFIED
    assert plan.text == "did you mean: Reset a password"
    assert plan.why.route == "fixed text"


@pytest.mark.parametrize("hits", [(), (a_found(cosine=FAR),)], ids=["nothing found", "nothing near"])
def test_without_anything_near_the_question_is_declined(hits: tuple[Hit, ...]) -> None:
    plan = planned(hits=hits)

    assert plan.why.outcome is Outcome.DECLINED
    assert plan.response_type is ResponseType.CLARIFICATION
    assert plan.text == "decline"
    assert plan.confidence < 0.3
    assert plan.suggested_actions == ("action: rephrase", "action: person")


def test_an_unknown_intent_has_no_question_of_its_own() -> None:
    brain = a_brain(an_intent(clarify="Which login?"))

    plan = planned(understood=an_understanding(known=False), brain=brain)

    assert plan.text == "decline"


@pytest.mark.parametrize(
    ("cosine", "clarify", "text"),
    [
        (FAR, "Which?", "clarify: Which?"),
        (UNSURE, "", "did you mean: Reset a password"),
        (FAR, "", "decline"),
    ],
)
@pytest.mark.parametrize(("failures", "offered"), [(0, False), (1, True), (5, True)])
def test_a_person_is_offered_from_the_second_failure(
    cosine: float, clarify: str, text: str, failures: int, offered: bool
) -> None:
    plan = planned(
        something_heard(conversation=after_failures(failures)),
        hits=(a_found(cosine=cosine),),
        brain=a_brain(an_intent(clarify=clarify)),
    )

    assert plan.text == (f"{text}\n\noffer a person" if offered else text)


def test_an_answer_never_offers_a_person() -> None:
    plan = planned(something_heard(conversation=after_failures(3)), hits=(a_found(),))

    assert "offer a person" not in plan.text


@pytest.mark.parametrize(
    ("intent", "text"),
    [("greeting", "hello again"), ("thanks_goodbye", "closing")],
    ids=["greeting", "thanks"],
)
def test_small_talk_is_answered_by_a_fixed_text(intent: str, text: str) -> None:
    understood = an_understanding(intent=intent, confidence=0.91234)

    plan = planned(something_heard("hello there"), understood, (a_found(),))

    assert plan.why.outcome is Outcome.SMALL_TALK
    assert plan.response_type is ResponseType.INFORMATIONAL
    assert plan.text == text
    assert plan.confidence == 0.912
    assert plan.citations == ()
    assert plan.suggested_actions == ()
    assert plan.answered


def test_what_an_answer_takes_back_of_the_one_shown_before_is_marked() -> None:
    shown = planned(hits=(a_found(),)).written
    assert shown is not None

    plan = plan_turn(
        something_heard(),
        an_understanding(),
        (a_found(),),
        InForce(NO_RULES),
        a_brain(),
        model=msgspec.structs.replace(shown, corrects=("Wait 5 minutes.",)),
    )

    assert plan.text.startswith("not so: Wait 5 minutes.\n\n")
    assert plan.disclaimer == "written by AI"


def test_small_talk_is_no_question_that_a_follow_up_leans_on() -> None:
    conversation = a_conversation(status=Status.WAITING)
    conversation.context = Context(last_question=BEFORE)
    thanks = something_heard("thanks", conversation=conversation)

    plan = planned(thanks, an_understanding(intent="thanks_goodbye"))

    assert question_for("and in Apex?", plan.context) == f"{BEFORE} and in Apex?"


@pytest.mark.parametrize(
    ("content", "understood"),
    [
        ("hello, my nightly batch job fails", an_understanding(intent="greeting")),
        ("hello", an_understanding(intent="greeting", confidence=0.69)),
        ("hello", an_understanding(intent="greeting", known=False)),
        ("reset it", an_understanding(intent="password_reset")),
    ],
    ids=["with a question", "unsure", "unknown", "no small talk"],
)
def test_anything_more_than_small_talk_is_answered(content: str, understood: Understanding) -> None:
    plan = planned(something_heard(content), understood, (a_found(),))

    assert plan.why.outcome is Outcome.ANSWERED


def test_a_rule_hands_over_with_its_name_in_the_reason_and_its_promise_in_the_text() -> None:
    rules = a_ruleset(
        a_rule(
            BILLING,
            [
                {"type": "escalate", "queue": "billing_team", "priority": "high"},
                {"type": "sla", "target": "15_minutes"},
                {"type": "notify", "recipient": "lead", "method": "slack"},
            ],
            identity="RULE-7",
            name="Billing goes to people",
        )
    )

    plan = planned(hits=(a_found(),), rules=rules, brain=a_brain(an_intent(issue_type="billing")))

    assert plan.why.outcome is Outcome.ESCALATED
    assert plan.response_type is ResponseType.ESCALATION
    assert plan.text == "handoff within 15"
    assert plan.handoff is not None
    assert plan.handoff.reason == "Rule RULE-7: Billing goes to people"
    assert (plan.handoff.queue, plan.handoff.priority) == ("billing_team", "high")
    assert plan.handoff.notify == ("lead by slack",)
    assert plan.confidence == 1.0
    assert plan.citations == ()
    assert plan.suggested_actions == ()


def test_a_rule_that_only_marks_is_no_reason_to_hand_over() -> None:
    rules = a_ruleset(
        a_rule(BILLING, [{"type": "tag", "name": "billing"}], identity="MARK", name="Mark billing"),
        a_rule(BILLING, [{"type": "escalate", "queue": "q"}], identity="CALL", name="Call people"),
    )

    plan = planned(rules=rules, brain=a_brain(an_intent(issue_type="billing")))

    assert plan.handoff is not None
    assert plan.handoff.reason == "Rule CALL: Call people"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("We lost everything", "The message reports a loss of data."),
        ("Give me a real person", "The customer asked for a person."),
    ],
    ids=["risk", "wish"],
)
def test_risk_and_wish_hand_over_although_there_is_an_answer(content: str, reason: str) -> None:
    plan = planned(something_heard(content), hits=(a_found(),))

    assert plan.why.outcome is Outcome.ESCALATED
    assert plan.text == "handoff"
    assert plan.handoff is not None
    assert plan.handoff.reason == reason


def test_a_rule_that_asks_for_nobody_lets_the_answer_through() -> None:
    rules = a_ruleset(a_rule(BILLING, [{"type": "tag", "name": "billing"}], identity="TAG"))

    plan = planned(hits=(a_found(),), rules=rules, brain=a_brain(an_intent(issue_type="billing")))

    assert plan.why.outcome is Outcome.ANSWERED
    assert plan.why.rules is not None
    assert plan.why.rules.directive.tags == ("billing",)


@pytest.mark.parametrize("content", ["We lost everything", "Thanks", "How do I reset my password?"])
def test_while_people_have_it_everything_is_only_acknowledged(content: str) -> None:
    rules = a_ruleset(a_rule(None, [{"type": "escalate", "queue": "x"}]))

    plan = planned(
        something_heard(content, conversation=a_conversation(status=Status.ESCALATED)),
        hits=(a_found(),),
        rules=rules,
    )

    assert plan.why.outcome is Outcome.ACKNOWLEDGED
    assert plan.response_type is ResponseType.ESCALATION
    assert plan.text == "acknowledged"
    assert plan.handoff is None
    assert plan.confidence == 1.0
    assert not plan.answered


def test_the_context_remembers_an_answered_turn() -> None:
    conversation = after_failures(2)
    understood = with_entities(an_understanding(score=-0.4), an_error())

    plan = planned(something_heard(conversation=conversation), understood, (a_found(),))

    assert plan.context == Context(
        topic="password_reset",
        last_question="How do I reset my password?",
        entities=(an_error(),),
        unanswered_in_a_row=0,
        sentiment=(-0.4,),
        topic_turns=1,
        language="en",
        shown=("KB-TEST-001",),
        exchanges=(Exchange("How do I reset my password?", ("Reset a password",)),),
    )
    assert conversation.context.unanswered_in_a_row == 2, "planning changes nothing"


def test_the_context_of_a_failed_turn_counts_it_and_keeps_the_topic() -> None:
    conversation = a_conversation(status=Status.WAITING)
    conversation.context = Context(topic="billing", last_question="Before?", unanswered_in_a_row=1)

    plan = planned(something_heard(conversation=conversation), an_understanding(known=False))

    assert plan.context.topic == "billing"
    assert plan.context.last_question == "Before?"
    assert plan.context.unanswered_in_a_row == 2


def a_full_message() -> Message:
    attachment = Attachment(AttachmentType.CODE, "x", None)
    return msgspec.structs.replace(
        something_heard("My invoice broke with UNABLE_TO_LOCK_ROW").message, attachments=(attachment,)
    )


def test_the_facts_hold_all_that_rules_may_speak_of() -> None:
    conversation = a_conversation(status=Status.WAITING, channel=Channel.SLACK)
    conversation.message_count = 5
    conversation.metadata = {"last_csat": "five"}
    conversation.recent_contacts = 4
    conversation.context = Context(unanswered_in_a_row=1, sentiment=(0.5, -0.2))
    heard = Heard(
        conversation, a_full_message(), "question", "enterprise", datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    )
    understood = with_entities(
        an_understanding(score=-0.7, emotion="anger", language="de"),
        an_error(),
        Entity(EntityType.SALESFORCE_OBJECT, "account", "Account", 0, 7),
        Entity(EntityType.CODE, "`x`", "x", 0, 3),
    )
    brain = a_brain(cues=Cues({}, {"billing": ["invoice"]}))

    facts = facts_for(heard, understood, (a_found(cosine=0.5),), ("urgent",), brain, schema())

    assert facts == {
        "sentiment_score": -0.7,
        **dict.fromkeys(f"sentiment_{aspect}" for aspect in ASPECTS),
        "answer_confidence": None,
        "sentiment_trend": -1.2,
        "emotion": "anger",
        "emotion_intensity": 0,
        "intent": "password_reset",
        "intent_confidence": 0.9,
        "issue_type": "billing",
        "signals": ("urgent",),
        "customer_tier": "enterprise",
        "channel": "slack",
        "language": "de",
        "message_text": "My invoice broke with UNABLE_TO_LOCK_ROW",
        "message_length": 40,
        "message_count": 5,
        "failed_turns": 1,
        "retrieval_confidence": 0.5,
        "knowledge_category": "login",
        "error_codes": ("UNABLE_TO_LOCK_ROW",),
        "salesforce_objects": ("Account",),
        "has_code": True,
        "has_attachments": True,
        "hour_utc": 23,
        "local_hour": 23,
        "weekday": 7,
        "business_hours": False,
        "now": "2026-11-22T23:59:00+00:00",
        "conversation_minutes": 869.0,
        "minutes_waiting": 869.0,
        "intent_repeats": 0,
        "products": (),
        "contacts_30_days": 4,
        "last_csat": None,
        "open_cases": None,
        "sla_minutes_left": None,
    }
    assert set(facts) == set(schema().facts)


def test_what_is_not_known_yet_is_no_fact() -> None:
    facts = facts_for(
        something_heard(), with_entities(an_understanding(), an_error()), (), (), a_brain(), schema()
    )

    assert facts["sentiment_trend"] is None
    assert facts["knowledge_category"] is None
    assert (facts["has_code"], facts["has_attachments"]) == (False, False)
    assert facts["retrieval_confidence"] == 0.0


@pytest.mark.parametrize(
    ("content", "understood", "issue_type"),
    [
        ("the invoice", an_understanding(), "billing"),
        ("the login", an_understanding(), "access"),
        ("the login", an_understanding(known=False), "other"),
        ("the login", an_understanding(intent="no_longer_defined"), "other"),
    ],
    ids=["by phrase", "by intent", "unknown intent", "intent without description"],
)
def test_the_kind_of_issue_comes_from_phrases_then_the_intent(
    content: str, understood: Understanding, issue_type: str
) -> None:
    brain = a_brain(cues=Cues({}, {"billing": ["invoices?"]}))

    facts = facts_for(something_heard(content), understood, (), (), brain, schema())

    assert facts["issue_type"] == issue_type


def test_the_reasons_hold_the_facts_but_never_the_message() -> None:
    secret = "My card number is 4111 1111 1111 1111"
    rules = a_ruleset(
        a_rule({"field": "message_text", "operator": "contains", "value": "card"}, identity="CARD"),
    )

    plan = planned(something_heard(secret, question="card"), hits=(a_found(),), rules=rules)

    assert set(plan.why.facts) == set(schema().facts) - {"message_text"}
    assert plan.why.rules is not None
    assert [fired.rule for fired in plan.why.rules.fired] == ["CARD"]
    assert b"4111" not in msgspec.json.encode(plan.why)


def test_the_reasons_list_every_passage_that_was_weighed_and_the_rule_set() -> None:
    rules = a_ruleset(a_rule(BILLING))
    hits = (a_found(), a_hit(a_passage(article="B"), cosine=FAR, score=0.1, bm25=0.5, coverage=0.25))

    why = planned(hits=hits, rules=rules).why

    assert [passage.passage_id for passage in why.passages] == ["KB-TEST-001#0", "B#0"]
    assert why.passages[1] == Considered("B#0", "Reset a password", 0.1, 0.5, FAR, 0.25)
    assert why.ruleset == rules.hash


def test_planning_the_same_turn_twice_gives_the_same_plan() -> None:
    heard = something_heard("We want a refund, this is urgent")
    brain = a_brain(cues=starter_cues())

    assert planned(heard, hits=(a_found(),), brain=brain) == planned(heard, hits=(a_found(),), brain=brain)


def test_a_plan_fits_the_conversation_it_was_made_for() -> None:
    conversation = a_conversation()
    heard = something_heard(conversation=conversation)
    conversation.hear(heard.message)

    plan = planned(heard, hits=(a_found(),))
    reply = msgspec.structs.replace(heard.message, sender=Sender.AI_AGENT, content=plan.text)
    conversation.answer(reply, response_type=plan.response_type, context=plan.context)

    assert conversation.status is Status.ACTIVE
    assert conversation.context.topic == "password_reset"


def test_a_rule_may_answer_with_a_text_of_its_own() -> None:
    rules = a_ruleset(a_rule(actions=[{"type": "reply_with", "template": "We are closed today."}]))

    plan = planned(hits=(a_found(),), rules=rules)

    assert (plan.text, plan.why.outcome, plan.why.route) == (
        "We are closed today.",
        Outcome.SCRIPTED,
        "fixed text",
    )
    assert plan.citations == ()


def test_a_rule_may_say_where_a_handover_goes_without_asking_for_one() -> None:
    rules = a_ruleset(a_rule(actions=[{"type": "route", "queue": "german", "skill": "de"}]))

    quiet = planned(hits=(a_found(),), rules=rules)
    wished = planned(something_heard("a real person please"), rules=rules)

    assert quiet.handoff is None
    assert wished.handoff is not None
    assert wished.handoff.queue == "german"


def test_rules_that_cannot_be_evaluated_bring_people() -> None:
    bomb: object = {"var": "message_count"}
    for _ in range(12):
        bomb = {"map": [list(range(100)), bomb]}
    rule = a_rule()
    del rule["conditions"]
    rules = a_ruleset({**rule, "logic": {"!!": [bomb]}})

    plan = planned(hits=(a_found(),), rules=rules)

    assert plan.handoff is not None
    assert (plan.handoff.queue, plan.handoff.reason) == ("support", "The rules could not be evaluated.")
    assert plan.handoff.notify == ("operations by webhook",)


ORDER = {"name": "order_number", "kind": "text", "label": "Order number", "source": "metadata.order_number"}
ASKING = {
    "id": "R-1",
    "name": "Ask",
    "conditions": BILLING,
    "actions": [{"type": "ask", "fact": "order_number"}],
}
ASK = {
    "facts": [{**ORDER, "question": "What is the order number?"}],
    "rules": [
        ASKING,
        {
            "id": "R-2",
            "name": "Route",
            "conditions": {"field": "order_number", "operator": "starts_with", "value": "47"},
            "actions": [{"type": "escalate", "queue": "billing"}],
        },
    ],
}


def test_a_fact_is_asked_for_and_read_from_what_the_customer_says_next() -> None:
    rules, brain = (
        parse_ruleset(msgspec.json.encode(ASK), "test.json", schema()),
        a_brain(cues=Cues({}, {"billing": ["invoice"]})),
    )
    first = planned(something_heard("My invoice is wrong"), rules=rules, brain=brain)
    conversation = a_conversation()
    conversation.context = first.context

    second = planned(something_heard("4711", conversation=conversation), rules=rules, brain=brain)

    assert (first.why.outcome, first.text) == (Outcome.CLARIFIED, "ask: What is the order number?")
    assert second.handoff is not None
    assert second.handoff.queue == "billing"
    assert second.why.facts["order_number"] == "4711"
    assert second.why.facts["issue_type"] == "billing"
    assert (second.context.asking, second.context.told) == (None, {"order_number": "4711"})


def test_a_fact_that_was_asked_for_in_vain_is_not_asked_for_again() -> None:
    number = {**ASK, "facts": [{**ORDER, "kind": "number"}], "rules": [ASKING]}
    rules, brain = (
        parse_ruleset(msgspec.json.encode(number), "test.json", schema()),
        a_brain(cues=Cues({}, {"billing": ["invoice"]})),
    )
    conversation = a_conversation()
    conversation.context = planned(something_heard("invoice?"), rules=rules, brain=brain).context

    plan = planned(something_heard("no idea", conversation=conversation), rules=rules, brain=brain)

    assert plan.why.facts["issue_type"] == "billing"
    assert plan.text != "ask: order number?"
    assert plan.context.told == {"order_number": None}


def test_an_answer_that_needs_approval_is_drafted_for_people_and_not_said() -> None:
    rules = a_ruleset(a_rule(actions=[{"type": "request_approval", "role": "lawyer"}]))

    plan = planned(hits=(a_found(),), rules=rules)
    nothing_found = planned(hits=(a_found(cosine=FAR),), rules=rules)

    assert (plan.why.outcome, plan.text) == (Outcome.ESCALATED, "to be approved")
    assert plan.handoff is not None
    assert plan.handoff.draft.startswith("Click the link.")
    assert "lawyer" in plan.handoff.reason
    assert nothing_found.handoff is None


def test_a_conversation_is_closed_after_an_answer_only() -> None:
    rules = a_ruleset(a_rule(actions=[{"type": "close"}]))

    answered = planned(hits=(a_found(),), rules=rules)
    asked = planned(hits=(a_found(cosine=FAR),), rules=rules)

    assert (answered.close, answered.text.endswith("closed")) == (True, True)
    assert (asked.close, asked.text.endswith("closed")) == (False, False)


def test_the_answer_that_knowledge_gives_is_a_fact_before_rules_decide() -> None:
    unsure = {"field": "answer_confidence", "operator": ">", "value": 0.5}
    rules = a_ruleset(a_rule(unsure, [{"type": "escalate", "queue": "x"}]))

    assert planned(hits=(a_found(),), rules=rules).handoff is not None
    assert planned(hits=(a_found(cosine=FAR),), rules=rules).handoff is None


def test_a_tenants_own_calendar_decides_what_time_it_is() -> None:
    late = msgspec.structs.replace(calendar(), zone="Pacific/Auckland")
    heard = msgspec.structs.replace(something_heard(), calendar=late)

    facts = facts_for(heard, an_understanding(), (), (), a_brain(), schema())

    assert (facts["hour_utc"], facts["local_hour"]) == (9, 22)


def a_german_brain() -> Brain:
    texts = {"decline": "nein", "answered_in_english": "auf Englisch", "language": "de"}
    german = msgspec.structs.replace(some_texts(), **texts)
    return msgspec.structs.replace(a_brain(), texts=Catalogue({"en": some_texts(), "de": german}))


def in_german(hit: Hit) -> Plan:
    understood = an_understanding(language="de", known=False)
    return planned(understood=understood, brain=a_german_brain(), hits=(hit,))


def test_fixed_texts_follow_the_customers_language() -> None:
    plan = in_german(a_found(cosine=FAR))

    assert (plan.text, plan.language, plan.context.language) == ("nein", "de", "de")


def test_an_english_answer_says_so_in_the_customers_language() -> None:
    assert in_german(a_found()).text.startswith("auf Englisch\n\nClick the link.")


def test_a_message_too_short_to_tell_stays_in_the_conversations_language() -> None:
    conversation = a_conversation()
    conversation.context = Context(language="de")
    unsure = msgspec.structs.replace(an_understanding(known=False), language=Language("en", 0.0))

    plan = planned(something_heard("ok?", conversation=conversation), unsure, brain=a_german_brain())

    assert (plan.text, plan.context.language) == ("nein", "de")


def test_several_requests_are_answered_in_turn_with_their_sources_numbered_through() -> None:
    first = a_hit(a_passage("Click the link. Then wait.", article="KB-A"), cosine=SURE)
    second = a_hit(a_passage("Open the report. Press run.", article="KB-B"), cosine=SURE)
    requests = (Request("link?", "password_reset", (first,)), Request("report?", "x", (second,)))

    plan = plan_turn(something_heard(), an_understanding(), (first,), InForce(NO_RULES), a_brain(), requests)

    assert plan.text.startswith("several\n\nClick the link. [1]")
    assert "Open the report. [2]" in plan.text
    assert [(one.number, one.article_id) for one in plan.citations] == [(1, "KB-A"), (2, "KB-B")]


def test_requests_that_one_article_answers_are_one() -> None:
    requests = (Request("link?", "a", (a_found(),)), Request("wait?", "b", (a_found(),)))

    plan = plan_turn(
        something_heard(), an_understanding(), (a_found(),), InForce(NO_RULES), a_brain(), requests
    )

    assert not plan.text.startswith("several")
