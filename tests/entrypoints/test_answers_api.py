"""What a customer gets for a message: the whole answer, its proof, its reasons, and when people take over."""

import re
from uuid import uuid4

import httpx
import pytest

from entrypoints.bootstrap import App
from tests.security.calls import Json, a_started, said, transcript

PROMISED = {"id", "response", "confidence", "intent", "suggested_actions", "processing_time_ms"}
"""The customer's MessageResponse."""
EXTENSIONS = {
    "disclaimer",
    "requires_human_review",
    "conversation_id",
    "message_id",
    "response_type",
    "language",
    "citations",
    "requires_escalation",
    "escalation_reason",
    "entities",
    "sentiment",
    "status",
    "why",
    "reply_language",
    "right_to_left",
}
LASAGNE = "What is the best recipe for a lasagne with spinach?"
FURIOUS = "cancel everything, your billing is theft, I am calling my lawyer"
TECHNICAL = (
    "What does System.LimitException: Too many SOQL queries: 101 mean?",
    "How do I reset my password?",
    "How do I upsert records by external id with the REST API?",
    "System.NullPointerException: Attempt to de-reference a null object",
    "How do I set up a case assignment rule?",
)
STATEMENT = re.compile(r"(.+?)\s*\[(\d+)\]", re.DOTALL)


async def test_an_answer_has_every_promised_field_and_every_reason(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    answer = await said(client, path, "How do I reset my password?")

    assert answer.keys() == PROMISED | EXTENSIONS
    assert (answer["response_type"], answer["intent"], answer["language"]) == (
        "instructional",
        "password_reset",
        "en",
    )
    assert 0.8 < answer["confidence"] <= 1
    assert isinstance(answer["processing_time_ms"], int)
    assert answer["processing_time_ms"] >= 0
    assert answer["suggested_actions"] == ["This solved it", "Talk to a person"]
    assert (answer["status"], answer["requires_escalation"], answer["escalation_reason"]) == (
        "active",
        False,
        None,
    )
    why = answer["why"]
    assert (why["outcome"], why["route"]) == ("answered", "extractive")
    assert why["confidence"]["value"] == answer["confidence"]
    assert why["facts"]["knowledge_category"] == "login"
    assert "message_text" not in why["facts"]
    assert why["rules"]["fired"] == []
    assert "RULE-ESC-007" in {near["rule"] for near in why["rules"]["near"]}
    assert len(why["ruleset"]) == 64


@pytest.mark.parametrize("question", TECHNICAL)
async def test_every_sentence_stands_in_the_passage_that_it_cites(
    client: httpx.AsyncClient, question: str
) -> None:
    answer = await said(client, await a_started(client), question)

    passages = {citation["number"]: citation for citation in answer["citations"]}
    statements = STATEMENT.findall(answer["response"])
    assert statements
    assert STATEMENT.sub("", answer["response"]).strip() == ""
    for statement, number in statements:
        assert _words(statement) in _words(passages[int(number)]["text"])
    assert {int(number) for _, number in statements} == passages.keys()
    assert {c["passage_id"] for c in answer["citations"]} <= {
        p["passage_id"] for p in answer["why"]["passages"]
    }


async def test_the_transcript_keeps_the_answer_with_its_reasons(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    answer = await said(client, path, "How do I reset my password?")

    kept = (await transcript(client, path))[-1]

    assert (kept["id"], kept["content"], kept["answer"]) == (answer["id"], answer["response"], answer)


async def test_off_topic_is_declined_and_the_second_time_a_person_is_offered(
    client: httpx.AsyncClient, app: App
) -> None:
    path = await a_started(client)

    first = await said(client, path, LASAGNE)
    second = await said(client, path, "And how long does it stay in the oven?")

    assert (first["why"]["outcome"], first["response"]) == ("declined", app.ports.texts.of().decline)
    assert (first["citations"], first["response_type"]) == ([], "clarification")
    assert app.ports.texts.of().offer_person in second["response"]
    assert [first["status"], second["status"]] == ["active", "active"]


async def test_an_answer_in_between_ends_the_row_of_failures(client: httpx.AsyncClient, app: App) -> None:
    path = await a_started(client)
    await said(client, path, LASAGNE)
    await said(client, path, "How do I reset my password?")

    answer = await said(client, path, LASAGNE)

    assert app.ports.texts.of().offer_person not in answer["response"]


async def test_a_furious_enterprise_customer_gets_a_person_and_the_rule_is_named(
    client: httpx.AsyncClient, app: App
) -> None:
    path = await a_started(client)

    answer = await said(client, path, FURIOUS)

    conversation = (await client.get(path)).json()
    fired = {rule["rule"] for rule in answer["why"]["rules"]["fired"]}
    assert answer["requires_escalation"] is True
    assert "RULE-ESC-001" in answer["escalation_reason"]
    assert "RULE-ESC-001" in fired
    assert (answer["response_type"], answer["status"]) == ("escalation", "escalated")
    assert answer["response"] == app.ports.texts.of().handoff_within.format(minutes=15)
    assert (conversation["status"], conversation["priority"]) == ("escalated", "high")
    assert conversation["queue"] == "enterprise_support"
    assert conversation["escalation_reason"] == answer["escalation_reason"]


async def test_after_an_escalation_the_ai_is_silent(client: httpx.AsyncClient, app: App) -> None:
    path = await a_started(client)
    await said(client, path, FURIOUS)

    answers = [await said(client, path, text) for text in ("How do I reset my password?", LASAGNE, FURIOUS)]

    messages = await transcript(client, path)
    assert {answer["response"] for answer in answers} == {app.ports.texts.of().acknowledged}
    assert {answer["status"] for answer in answers} == {"escalated"}
    assert {answer["why"]["outcome"] for answer in answers} == {"acknowledged"}
    assert "ai_agent" not in {message["sender_type"] for message in messages}
    assert (await client.get(path)).json()["message_count"] == 4


async def test_a_wish_for_a_person_is_granted_without_any_rule(client: httpx.AsyncClient) -> None:
    path = await a_started(client, metadata={"customer_tier": "free"})

    answer = await said(client, path, "I want to talk to a person please")

    assert answer["requires_escalation"] is True
    assert answer["escalation_reason"]
    assert (await client.get(path)).json()["status"] == "escalated"


async def test_a_follow_up_is_read_with_the_question_before_it(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    first = await said(client, path, "How do I reset my password?")

    answer = await said(client, path, "and for another user?")

    alone = await said(client, await a_started(client), "and for another user?")
    cited = [{citation["category"] for citation in each["citations"]} for each in (first, answer, alone)]
    assert answer["why"]["question"] == "How do I reset my password? and for another user?"
    assert alone["why"]["question"] == "and for another user?"
    assert cited[1] == cited[0] == {"login"}
    assert "login" not in cited[2]


async def test_what_did_not_help_is_followed_by_the_next_best_answer_and_then_by_a_person(
    client: httpx.AsyncClient, app: App
) -> None:
    path = await a_started(client)
    first = await said(client, path, "How do I reset my password?")
    second = await said(client, path, "That did not help.")
    third = await said(client, path, "Still does not work")

    texts = app.ports.texts.of()
    shown = [{citation["article_id"] for citation in each["citations"]} for each in (first, second)]
    assert second["response"].startswith(texts.next_best)
    assert second["why"]["question"] == "How do I reset my password?"
    assert second["citations"]
    assert shown[0].isdisjoint(shown[1])
    assert (third["status"], third["escalation_reason"]) == ("escalated", "The answers did not help.")
    assert [each["why"]["move"] for each in (first, second, third)] == [
        "question",
        "not_helped",
        "not_helped",
    ]


async def test_another_topic_is_noticed(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    await said(client, path, "How do I reset my password?")

    answer = await said(client, path, "My SOQL query says no such column on Account, why?")

    assert answer["why"]["move"] == "topic_change"


async def test_error_codes_and_objects_of_a_message_are_found(client: httpx.AsyncClient) -> None:
    answer = await said(
        client,
        await a_started(client),
        "My Case trigger fails with FIELD_CUSTOM_VALIDATION_EXCEPTION on Account since API v59.0",
    )

    found = {(entity["type"], entity["value"]) for entity in answer["entities"]}
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in {value for _, value in found}
    assert {"Case", "Account"} <= {value for _, value in found}
    assert answer["why"]["facts"]["error_codes"] == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]


async def test_conversations_do_not_mix(client: httpx.AsyncClient) -> None:
    user = uuid4()
    web, email = await a_started(client, user, "web"), await a_started(client, user, "email")
    await said(client, web, FURIOUS)

    answer = await said(client, email, "How do I reset my password?")

    assert answer["why"]["outcome"] == "answered"
    assert [await _count(client, path) for path in (web, email)] == [1, 2]


async def _count(client: httpx.AsyncClient, path: str) -> object:
    conversation: Json = (await client.get(path)).json()
    return conversation["message_count"]


def _words(text: str) -> str:
    """Text without list marks, emphasis and spacing."""
    return " ".join(re.sub(r"^\s*(?:\d+[.)]|[-*+])\s+|[*_`]", "", text, flags=re.MULTILINE).split()).lower()


async def test_the_fixed_parts_follow_the_customers_language(client: httpx.AsyncClient, app: App) -> None:
    start = {"user_id": str(uuid4()), "channel": "web", "metadata": {"language": "ar"}}
    opened = (await client.post("/api/v1/conversations", json=start)).json()
    path = f"/api/v1/conversations/{opened['id']}"
    [greeting] = await transcript(client, path)

    answer = await said(client, path, "Wie backe ich einen Kuchen mit Äpfeln und Zimt?")

    assert greeting["content"] == app.ports.texts.of("ar").greeting
    assert (answer["language"], answer["reply_language"], answer["right_to_left"]) == ("de", "de", False)
    assert answer["response"] == app.ports.texts.of("de").decline


async def test_two_requests_in_one_message_are_answered_in_turn(client: httpx.AsyncClient, app: App) -> None:
    both = "How do I reset my password? Also, how do I upsert records by external id with the REST API?"

    answer = await said(client, await a_started(client), both)

    assert answer["response"].startswith(app.ports.texts.of().several)
    assert len({citation["article_id"] for citation in answer["citations"]}) >= 2
    assert [citation["number"] for citation in answer["citations"]] == sorted(
        citation["number"] for citation in answer["citations"]
    )
