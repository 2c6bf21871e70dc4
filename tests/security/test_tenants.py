"""Nobody reaches what is not theirs: every route and method, by tenant and by user. It looks like absence."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from entrypoints.api.app import build
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from ports.outbound.keys import SCOPES
from tests.builders import NOW, ORGANIZATION, OTHER_ORGANIZATION
from tests.security.calls import (
    CONVERSATIONS,
    EVENTS,
    Json,
    a_client,
    a_client_of,
    a_started,
    a_token,
    bearer,
    said,
    some_claims,
    transcript,
)

CANARY = "canary-3f8a1c"
BODIES: dict[str, Json] = {
    "sendMessage": {"content": "How do I reset my password?"},
    "resolveConversation": {"resolution": "human"},
    "escalateConversation": {"reason": "mine now"},
    "giveFeedback": {"message_id": str(uuid4()), "helpful": True},
}
READ_ONLY = {"getConversation", "listMessages"}


@pytest.fixture(scope="module")
async def foreigner(app: App, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key of another tenant that may do everything there."""
    key = await app.ports.keys.issue(OTHER_ORGANIZATION, "theirs", frozenset(SCOPES), NOW)
    async with a_client_of(app, settings, key) as client:
        yield client


@pytest.fixture(scope="module")
async def bystander(app: App, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token of another user of the same tenant."""
    async with a_client(build(app, settings), bearer(a_token(settings.jwt_secret))) as client:
        yield client


@pytest.fixture(scope="module")
async def namesake(app: App, settings: Settings, owner: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token of another tenant for a user of the same id, with every scope."""
    claims = some_claims(org=str(OTHER_ORGANIZATION), sub=str(owner), scope="chat agent admin")
    async with a_client(build(app, settings), bearer(a_token(settings.jwt_secret, claims))) as client:
        yield client


@pytest.fixture(scope="module")
def owner() -> UUID:
    """The user who owns the conversation in question."""
    return uuid4()


@pytest.fixture(scope="module")
async def path(client: httpx.AsyncClient, owner: UUID) -> str:
    """A conversation with a question and an answer in it, full of canaries."""
    started = await a_started(client, owner, metadata={CANARY: CANARY})
    await said(client, started, f"How do I reset my password? {CANARY}")
    return started


async def operations(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """Method, rest of the path and name of every documented operation on one conversation."""
    document = (await client.get("/openapi.json")).json()
    prefix = f"{CONVERSATIONS}/{{conversation_id}}"
    return [
        (method.upper(), template.removeprefix(prefix), operation["operationId"])
        for template, item in document["paths"].items()
        if template.startswith(prefix)
        for method, operation in item.items()
    ]


async def test_every_operation_on_a_conversation_is_tried_below(client: httpx.AsyncClient) -> None:
    names = {name for _, _, name in await operations(client)}

    assert names == BODIES.keys() | READ_ONLY


@pytest.mark.parametrize("who", ["foreigner", "bystander", "namesake"])
async def test_what_belongs_to_somebody_else_is_404_for_every_route_and_method(
    client: httpx.AsyncClient,
    path: str,
    who: str,
    foreigner: httpx.AsyncClient,
    bystander: httpx.AsyncClient,
    namesake: httpx.AsyncClient,
) -> None:
    intruder = {"foreigner": foreigner, "bystander": bystander, "namesake": namesake}[who]
    before = (await client.get(path)).json(), await transcript(client, path)

    for method, rest, name in await operations(client):
        for headers in ({}, EVENTS, {"Idempotency-Key": f"{who} {name}"}):
            answer = await intruder.request(method, f"{path}{rest}", json=BODIES.get(name), headers=headers)
            missing = await intruder.request(
                method, f"{CONVERSATIONS}/{uuid4()}{rest}", json=BODIES.get(name)
            )

            assert (answer.status_code, answer.json()) == (404, missing.json()), (method, rest)
            assert CANARY not in answer.text

    assert ((await client.get(path)).json(), await transcript(client, path)) == before


async def test_an_answer_of_another_tenant_cannot_be_rated_from_an_own_conversation(
    client: httpx.AsyncClient, path: str, foreigner: httpx.AsyncClient, bystander: httpx.AsyncClient
) -> None:
    message = (await transcript(client, path))[-1]["id"]
    session = await bystander.get(CONVERSATIONS)
    own = await a_started(foreigner)

    refused = await foreigner.post(f"{own}/feedback", json={"message_id": message, "helpful": False})

    assert session.json()["items"] == []
    assert refused.status_code == 404
    assert refused.json()["details"]["code"] == "message_not_found"


async def test_lists_and_cursors_show_nothing_of_others(
    client: httpx.AsyncClient,
    path: str,
    owner: UUID,
    foreigner: httpx.AsyncClient,
    bystander: httpx.AsyncClient,
    namesake: httpx.AsyncClient,
) -> None:
    identity = path.rsplit("/", 1)[1]
    message = (await transcript(client, path))[0]["id"]
    newer = await a_started(client)
    own = await a_started(foreigner)

    lists = [
        await intruder.get(CONVERSATIONS, params=params)
        for intruder in (foreigner, bystander, namesake)
        for params in (
            {"limit": "100"},
            {"user_id": str(owner)},
            {"before": newer.rsplit("/", 1)[1]},
            {"before": identity},
            {"status": "active", "channel": "web"},
        )
    ]
    after = await foreigner.get(f"{own}/messages", params={"after": message})

    assert all(answer.status_code == 200 for answer in lists)
    assert not any(identity in answer.text or CANARY in answer.text for answer in lists)
    assert after.json()["items"] == []


async def test_the_same_user_id_in_two_tenants_is_two_people(
    client: httpx.AsyncClient, path: str, owner: UUID, foreigner: httpx.AsyncClient
) -> None:
    theirs = await a_started(foreigner, owner)

    both = [
        await client.get(theirs),
        await foreigner.get(theirs),
        await foreigner.get(CONVERSATIONS, params={"user_id": str(owner)}),
    ]

    assert theirs != path
    assert [answer.status_code for answer in both] == [404, 200, 200]
    assert [item["id"] for item in both[2].json()["items"]] == [theirs.rsplit("/", 1)[1]]


async def test_a_replay_never_crosses_tenants(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "the same in both"}
    body = {"user_id": str(uuid4()), "channel": "web", "metadata": {CANARY: True}}

    ours = await client.post(CONVERSATIONS, json=body, headers=key)
    theirs = await foreigner.post(CONVERSATIONS, json=body | {"metadata": {}}, headers=key)

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert theirs.json()["id"] != ours.json()["id"]
    assert CANARY not in theirs.text


async def test_a_tenant_without_knowledge_is_answered_from_no_other_tenants(
    foreigner: httpx.AsyncClient,
) -> None:
    answer = await said(foreigner, await a_started(foreigner), "How do I reset my password?")

    assert answer["citations"] == []
    assert answer["why"]["passages"] == []
    assert answer["why"]["outcome"] in {"clarified", "declined"}


async def test_starting_for_somebody_else_is_403_and_opens_nothing(
    client: httpx.AsyncClient, bystander: httpx.AsyncClient
) -> None:
    victim = uuid4()

    refused = await bystander.post(CONVERSATIONS, json={"user_id": str(victim), "channel": "web"})

    found = (await client.get(CONVERSATIONS, params={"user_id": str(victim)})).json()["items"]
    assert refused.status_code == 403
    assert refused.json()["details"] == {"code": "wrong_user"}
    assert found == []


async def test_a_key_made_for_one_tenant_does_not_open_another_by_its_prefix(
    app: App, foreigner: httpx.AsyncClient, path: str
) -> None:
    ours = await app.ports.keys.issue(ORGANIZATION, "ours", frozenset(SCOPES), NOW)
    theirs = foreigner.headers["x-api-key"]
    forged = ours[:26] + theirs[26:], theirs[:26] + ours[26:]

    answers = [await foreigner.get(path, headers={"X-API-Key": key}) for key in (*forged, ours)]

    assert [answer.status_code for answer in answers] == [401, 401, 200]
