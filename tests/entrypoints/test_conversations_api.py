"""The customer's conversation endpoints, end to end in this process."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

import httpx
import pytest

from entrypoints.api.auth import Tokens
from entrypoints.api.metadata import MAX_BYTES, MAX_DEPTH
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.builders import ORGANIZATION
from tests.security.calls import (
    CONVERSATIONS,
    JSON,
    Json,
    a_started,
    bearer,
    said,
    transcript,
)

NOBODY = UUID("00000000-0000-4000-8000-000000000000")
FURIOUS = "cancel everything, your billing is theft, I am calling my lawyer"


async def test_the_customers_integration_scenario_holds(client: httpx.AsyncClient) -> None:
    created = await client.post(CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web"})
    path = f"{CONVERSATIONS}/{created.json()['id']}"

    answered = await client.post(f"{path}/messages", json={"content": "How do I reset my password?"})
    conversation = await client.get(path)

    assert created.status_code == 201
    assert answered.status_code == 200
    assert "password" in answered.json()["response"].lower()
    assert answered.json()["confidence"] > 0.8
    assert conversation.json()["status"] == "active"
    assert conversation.json()["message_count"] == 2


async def test_a_new_conversation_has_every_field_of_the_customers_schema(client: httpx.AsyncClient) -> None:
    user, metadata = uuid4(), {"page": "/pricing", "tags": ["a", 1, None]}

    created = await client.post(
        CONVERSATIONS, json={"user_id": str(user), "channel": "mobile", "metadata": metadata}
    )

    body = created.json()
    assert created.status_code == 201
    assert UUID(body["id"]).version == 7
    assert body["user_id"] == str(user)
    assert (body["channel"], body["status"], body["message_count"]) == ("mobile", "active", 0)
    assert datetime.fromisoformat(body["created_at"]).tzinfo is not None
    assert body["last_activity_at"] == body["created_at"]
    assert body["metadata"] == metadata
    assert {name for name, value in body.items() if value is None} == {
        "draft",
        "ended_at",
        "escalation_reason",
        "queue",
        "priority",
        "resolution",
    }


async def test_a_read_conversation_equals_the_created_one(client: httpx.AsyncClient) -> None:
    created = await client.post(
        CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web", "metadata": {"größe": {"n": 1.5}}}
    )

    read = await client.get(f"{CONVERSATIONS}/{created.json()['id']}")

    assert read.json() == created.json()


async def test_the_greeting_is_a_system_message_that_does_not_count(
    client: httpx.AsyncClient, app: App
) -> None:
    path = await a_started(client)

    messages = await transcript(client, path)

    assert [(m["sender_type"], m["content"]) for m in messages] == [("system", app.ports.texts.of().greeting)]
    assert (await client.get(path)).json()["message_count"] == 0


async def test_the_same_user_and_channel_get_the_same_conversation(client: httpx.AsyncClient) -> None:
    body = {"user_id": str(uuid4()), "channel": "web"}
    first = await client.post(CONVERSATIONS, json=body)

    second = await client.post(CONVERSATIONS, json=body | {"metadata": {"other": True}})

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert len(await transcript(client, f"{CONVERSATIONS}/{first.json()['id']}")) == 1


async def test_another_channel_is_another_conversation(client: httpx.AsyncClient) -> None:
    user = uuid4()

    paths = {await a_started(client, user, channel) for channel in ("web", "mobile", "email", "slack")}

    assert len(paths) == 4


async def test_twenty_starts_at_once_open_one_conversation(client: httpx.AsyncClient) -> None:
    body = {"user_id": str(uuid4()), "channel": "api"}

    answers = await asyncio.gather(*(client.post(CONVERSATIONS, json=body) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="nothing"),
        pytest.param(f'{{"user_id": "{NOBODY}"}}', id="no channel"),
        pytest.param('{"channel": "web"}', id="no user"),
        pytest.param(f'{{"user_id": "{NOBODY}", "channel": "fax"}}', id="wrong channel"),
        pytest.param(f'{{"user_id": "{NOBODY}", "channel": "WEB"}}', id="channel in capitals"),
        pytest.param(f'{{"user_id": "{NOBODY}", "channel": null}}', id="null channel"),
        pytest.param('{"user_id": "42", "channel": "web"}', id="bad user"),
        pytest.param('{"user_id": 42, "channel": "web"}', id="number for a user"),
        pytest.param(f'{{"user_id": "{NOBODY}", "channel": "web", "metadata": []}}', id="list for metadata"),
        pytest.param(f'{{"user_id": "{NOBODY}", "channel": "web", "metadata": ""}}', id="text for metadata"),
        pytest.param("[]", id="a list"),
        pytest.param('"web"', id="a text"),
        pytest.param("null", id="null"),
        pytest.param("", id="an empty body"),
        pytest.param("user_id=1&channel=web", id="a form"),
    ],
)
async def test_a_body_that_does_not_fit_is_400_with_a_code(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(CONVERSATIONS, content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert answer.json()["details"]["code"] == "bad_request"


async def test_a_refused_field_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post(CONVERSATIONS, json={"user_id": str(NOBODY), "channel": "fax"})

    assert "channel" in str(answer.json()["details"]["fields"])
    assert "fax" in str(answer.json()["details"]["fields"])


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        pytest.param({"a": "x" * MAX_BYTES}, "metadata_too_large", id="too large"),
        pytest.param({"a": "b\x00c"}, "metadata_has_nul", id="NUL in a value"),
        pytest.param({"a": ["b", {"c": "\x00"}]}, "metadata_has_nul", id="NUL deep inside"),
        pytest.param({"a\x00": 1}, "metadata_has_nul", id="NUL in a key"),
        pytest.param({"a": "\\\x00"}, "metadata_has_nul", id="NUL behind a backslash"),
    ],
)
async def test_metadata_that_cannot_be_stored_is_400(
    client: httpx.AsyncClient, metadata: Json, code: str
) -> None:
    answer = await client.post(
        CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web", "metadata": metadata}
    )

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == code


async def test_metadata_that_speaks_of_nul_without_holding_one_is_kept(client: httpx.AsyncClient) -> None:
    metadata = {"log": "unexpected \\u0000 in column 3", "\\u0000": "C:\\users\\u0000\\"}

    path = await a_started(client, metadata=metadata)

    assert (await client.get(path)).json()["metadata"] == metadata


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 930, 100_000])
async def test_metadata_nested_too_deeply_is_400(client: httpx.AsyncClient, depth: int) -> None:
    body = f'{{"user_id": "{NOBODY}", "channel": "web", "metadata": {{"a": {"[" * depth}{"]" * depth}}}}}'

    answer = await client.post(CONVERSATIONS, content=body, headers=JSON)

    assert answer.status_code == 400


async def test_metadata_as_deep_as_allowed_comes_back(client: httpx.AsyncClient) -> None:
    nested: object = 1
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]

    path = await a_started(client, metadata={"a": nested})

    assert (await client.get(path)).json()["metadata"] == {"a": nested}


async def test_a_list_is_newest_first_and_filtered_by_user_channel_and_status(
    client: httpx.AsyncClient,
) -> None:
    user = uuid4()
    web, mobile, email = [await a_started(client, user, channel) for channel in ("web", "mobile", "email")]
    await client.post(f"{email}/resolve", json={})

    async def listed(**filters: str) -> list[str]:
        found = await client.get(CONVERSATIONS, params={"user_id": str(user), **filters})
        return [f"{CONVERSATIONS}/{item['id']}" for item in found.json()["items"]]

    assert await listed() == [email, mobile, web]
    assert await listed(channel="mobile") == [mobile]
    assert await listed(status="resolved") == [email]
    assert await listed(status="active") == [mobile, web]
    assert await listed(status="active", channel="email") == []


async def test_pages_of_a_list_join_without_gap_or_overlap(client: httpx.AsyncClient) -> None:
    user = uuid4()
    paths = [
        await a_started(client, user, channel)
        for channel in ("web", "mobile", "email", "slack", "teams", "api")
    ]

    first = (await client.get(CONVERSATIONS, params={"user_id": str(user), "limit": 4})).json()
    second = (
        await client.get(CONVERSATIONS, params={"user_id": str(user), "limit": 4, "before": first["next"]})
    ).json()

    listed = [f"{CONVERSATIONS}/{item['id']}" for item in first["items"] + second["items"]]
    assert listed == paths[::-1]
    assert [len(page["items"]) for page in (first, second)] == [4, 2]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=many", "status=gone", "channel=fax", "user_id=me", "before=0"]
)
async def test_a_filter_that_does_not_fit_is_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{CONVERSATIONS}?{query}")

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == "bad_request"


async def test_pages_of_messages_join_in_the_order_of_the_conversation(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    for question in ("How do I reset my password?", "What is a sandbox?", "thanks"):
        await said(client, path, question)
    whole = await transcript(client, path)

    first = (await client.get(f"{path}/messages", params={"limit": 4})).json()
    second = (await client.get(f"{path}/messages", params={"limit": 4, "after": first["next"]})).json()

    assert [m["sender_type"] for m in whole] == ["system"] + ["user", "ai_agent"] * 3
    assert [m["content"] for m in whole[1::2]] == [
        "How do I reset my password?",
        "What is a sandbox?",
        "thanks",
    ]
    assert first["items"] + second["items"] == whole
    assert second["next"] is None


async def test_each_answer_names_the_message_that_it_answers(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    answers = [
        await said(client, path, text) for text in ("What is a sandbox?", "How do I reset a password?")
    ]

    messages = await transcript(client, path)

    heard = [m["id"] for m in messages if m["sender_type"] == "user"]
    assert [m["in_reply_to"] for m in messages if m["sender_type"] == "ai_agent"] == heard
    assert [answer["message_id"] for answer in answers] == heard
    assert {m["conversation_id"] for m in messages} == {path.rsplit("/", 1)[1]}


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"content": "hello"}),
        ("POST", "/resolve", {}),
        ("POST", "/escalate", {}),
        ("POST", "/feedback", {"message_id": str(NOBODY), "helpful": True}),
    ],
)
async def test_an_unknown_conversation_is_404(
    client: httpx.AsyncClient, method: str, rest: str, body: Json | None
) -> None:
    answer = await client.request(method, f"{CONVERSATIONS}/{uuid4()}{rest}", json=body)

    assert answer.status_code == 404
    assert answer.json()["details"] == {"code": "conversation_not_found"}


@pytest.mark.parametrize("rest", ["not-a-uuid", "42/messages", "%00", "..%2f..%2fhealth"])
async def test_a_path_without_a_uuid_is_404(client: httpx.AsyncClient, rest: str) -> None:
    answer = await client.get(f"{CONVERSATIONS}/{rest}")

    assert answer.status_code == 404
    assert answer.json()["details"]["code"] == "not_found"


async def test_a_wrong_method_is_405_and_names_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete(await a_started(client))

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["details"]["code"] == "method_not_allowed"


async def test_the_customers_tier_in_the_metadata_decides_before_the_tenants(
    client: httpx.AsyncClient,
) -> None:
    paths = [
        await a_started(client, metadata={"customer_tier": tier}) for tier in ("enterprise", "free", "gold")
    ]

    answers = [await said(client, path, FURIOUS) for path in paths]

    tiers = [answer["why"]["facts"]["customer_tier"] for answer in answers]
    fired = [{rule["rule"] for rule in answer["why"]["rules"]["fired"]} for answer in answers]
    assert tiers == ["enterprise", "free", "enterprise"]
    assert "RULE-ESC-001" in fired[0]
    assert "RULE-ESC-001" not in fired[1]
    assert "RULE-ESC-001" in fired[2]


async def test_somebody_elses_user_id_is_403_for_a_token_of_one_user(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    token = Tokens(settings).issue(ORGANIZATION, uuid4(), 2_000_000_000)  # type: ignore[arg-type]  # a UUID is a user

    refused = await client.post(
        CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web"}, headers=bearer(token)
    )

    assert refused.status_code == 403
    assert refused.json()["details"] == {"code": "wrong_user"}
