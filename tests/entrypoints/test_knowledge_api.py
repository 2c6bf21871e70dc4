"""Knowledge over HTTP: editing, what an edit would do, search, and what a review proposes."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from adapters.postgres.migrate import owner_engine
from domain.ids import UserId
from entrypoints.api.auth import Tokens
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from ports.inbound.ingest import Ingest
from tests.builders import NOW, ORGANIZATION, an_article

pytestmark = pytest.mark.anyio

ARTICLES = "/api/v1/knowledge/articles"
GADGET = {
    "title": "How do I calibrate the zephyr gadget?",
    "body": "Hold the blue lever for 40 seconds until the zephyr gadget hums.\n\n"
    "## What if the zephyr gadget stays silent?\n\nReplace the copper spring of the zephyr gadget.",
    "category": "gadgets",
}


async def put(client: httpx.AsyncClient, name: str, body: dict[str, Any], status: int = 200) -> Any:  # JSON
    answer = await client.put(f"{ARTICLES}/{name}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def ask(client: httpx.AsyncClient, question: str, **metadata: object) -> Any:  # JSON
    begun = await client.post(
        "/api/v1/conversations", json={"user_id": str(uuid4()), "channel": "api", "metadata": metadata}
    )
    conversation = begun.json()["id"]
    answer = await client.post(f"/api/v1/conversations/{conversation}/messages", json={"content": question})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def answered_from(client: httpx.AsyncClient, question: str, article: str) -> Any:  # JSON
    """The answer once it cites an article; an older index may answer for a moment."""
    for _ in range(50):
        answer = await ask(client, question)
        if article in {citation["article_id"] for citation in answer["citations"]}:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"never answered from {article}: {answer['response']}")


async def test_an_article_is_stored_found_edited_and_forgotten(client: httpx.AsyncClient) -> None:
    stored = await put(client, "GADGET-1", GADGET)
    answer = await answered_from(client, "How do I calibrate the zephyr gadget?", "GADGET-1")

    assert "40 seconds" in answer["response"]
    assert (stored["trust"], stored["used"]) == (1.0, 0)
    assert stored["sources"][0].startswith("edited-by/")

    edited = GADGET | {"body": "Sing to the zephyr gadget to calibrate it.", "replaces": stored["content"]}
    await put(client, "GADGET-1", edited)
    for _ in range(50):
        answer = await ask(client, "How do I calibrate the zephyr gadget?")
        if "Sing" in answer["response"]:
            break
        await asyncio.sleep(0.1)
    assert "Sing to the zephyr gadget" in answer["response"]

    gone = await client.delete(f"{ARTICLES}/GADGET-1")
    assert gone.status_code == 204
    assert (await client.get(f"{ARTICLES}/GADGET-1")).status_code == 404
    for _ in range(50):
        answer = await ask(client, "How do I calibrate the zephyr gadget?")
        if not any(citation["article_id"] == "GADGET-1" for citation in answer["citations"]):
            break
        await asyncio.sleep(0.1)
    assert "zephyr" not in answer["response"]


async def test_an_edit_of_what_changed_meanwhile_is_refused(client: httpx.AsyncClient) -> None:
    stored = await put(client, "TWICE", GADGET)
    await put(client, "TWICE", GADGET | {"body": "Mine.", "replaces": stored["content"]})

    refused = await client.put(f"{ARTICLES}/TWICE", json=GADGET | {"replaces": stored["content"]})
    again = await client.put(f"{ARTICLES}/TWICE", json=GADGET)

    assert (refused.status_code, again.status_code) == (409, 409)
    assert refused.json()["details"]["code"] == "article_changed"
    assert (await client.get(f"{ARTICLES}/TWICE")).json()["body"] == "Mine."


async def test_of_two_edits_at_once_one_is_refused(client: httpx.AsyncClient) -> None:
    stored = await put(client, "RACE", GADGET)

    def edit(word: str) -> Any:  # a request
        body = GADGET | {"body": f"{word}.", "replaces": stored["content"]}
        return client.put(f"{ARTICLES}/RACE", json=body)

    answers = await asyncio.gather(*map(edit, ("One", "Two", "Three", "Four")))
    body = (await client.get(f"{ARTICLES}/RACE")).json()["body"]

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    [won] = [answer.json()["body"] for answer in answers if answer.status_code == 200]
    assert body == won


async def test_an_edit_does_not_bring_back_what_was_removed(client: httpx.AsyncClient) -> None:
    stored = await put(client, "GONE", GADGET)
    await client.delete(f"{ARTICLES}/GONE")

    refused = await client.put(f"{ARTICLES}/GONE", json=GADGET | {"replaces": stored["content"]})

    assert refused.status_code == 409
    assert (await client.get(f"{ARTICLES}/GONE")).status_code == 404


async def test_what_people_wrote_or_removed_here_outlives_an_ingestion(
    client: httpx.AsyncClient, app: App
) -> None:
    edited, removed = an_article(identity="FILE-1"), an_article(identity="FILE-2")
    await app.ingest(Ingest(ORGANIZATION, [edited, removed], ("file:docs",)))
    stored = (await client.get(f"{ARTICLES}/FILE-1")).json()
    await put(client, "FILE-1", GADGET | {"body": "Mine.", "replaces": stored["content"]})
    await client.delete(f"{ARTICLES}/FILE-2")

    done = await app.ingest(Ingest(ORGANIZATION, [edited, removed], ("file:docs",), again=False))
    again = await app.ingest(Ingest(ORGANIZATION, [removed]))

    assert (done.added, done.replaced, done.unchanged, done.kept) == (0, 0, 0, ("FILE-1", "FILE-2"))
    assert (await client.get(f"{ARTICLES}/FILE-1")).json()["body"] == "Mine."
    assert again.added == 1


async def test_what_cannot_be_stored_is_refused_with_the_mend(client: httpx.AsyncClient) -> None:
    stored = await put(client, "NUL", GADGET | {"category": "gad\x00gets"}, 400)
    searched = await client.get(ARTICLES, params={"q": "a\x00b"})
    utterances = {"utterances": [f"the {n}th zeppelin\x00" for n in range(12)]}
    intent = await client.put("/api/v1/intents/zeppelins", json=utterances)

    assert stored["details"]["code"] == "article_has_nul"
    assert (searched.status_code, intent.status_code) == (400, 400)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"api_versions": "newest"}, "bad_versions"),
        ({"audience": "friends"}, "bad_audience"),
        ({"language": "English"}, "bad_language"),
        ({"valid_from": "2026-02-01", "valid_until": "2026-01-01"}, "bad_dates"),
    ],
)
async def test_a_bad_article_is_refused_with_the_mend(
    client: httpx.AsyncClient, change: dict[str, str], code: str
) -> None:
    answer = await put(client, "BAD", GADGET | change, 400)

    assert answer["details"]["code"] == code


async def test_articles_are_listed_page_by_page_and_by_their_words(client: httpx.AsyncClient) -> None:
    await put(client, "LIST-1", GADGET)
    first = (await client.get(ARTICLES, params={"limit": 2})).json()
    second = (await client.get(ARTICLES, params={"limit": 2, "after": first["next"]})).json()
    by_words = (await client.get(ARTICLES, params={"q": "copper ZEPHYR"})).json()

    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(set(ids))
    assert [one["id"] for one in by_words["items"]] == ["LIST-1"]
    assert "body" not in first["items"][0]


async def test_a_search_is_made_as_a_given_reader(client: httpx.AsyncClient) -> None:
    await put(
        client,
        "SECRET-1",
        GADGET | {"title": "The quokka protocol", "body": "Quokka protocol steps.", "groups": ["gold"]},
    )

    async def found(**reader: object) -> set[str]:
        body = {"question": "quokka protocol", **reader}
        answer = await client.post("/api/v1/knowledge/search", json=body)
        assert answer.status_code == 200
        return {hit["article_id"] for hit in answer.json()}

    for _ in range(50):
        if "SECRET-1" in await found(groups=["gold"]):
            break
        await asyncio.sleep(0.1)
    assert "SECRET-1" in await found(groups=["gold"])
    assert "SECRET-1" not in await found()
    assert "SECRET-1" not in await found(groups=["silver"])
    assert await found(product="No such product") == set()


async def test_customers_are_told_what_their_groups_may_know(
    client: httpx.AsyncClient, app: App, settings: Settings
) -> None:
    await put(
        client,
        "SECRET-2",
        GADGET
        | {"title": "The narwhal rebate", "body": "The narwhal rebate is 12%.", "groups": ["partners"]},
    )
    question = "What is the narwhal rebate?"
    for _ in range(50):
        told = await ask(client, question, access_groups=["partners"])
        if "12%" in told["response"]:
            break
        await asyncio.sleep(0.1)
    untold = await ask(client, question)
    user = UserId(uuid4())
    headers = _bearer(settings, user)
    begun = await client.post(
        "/api/v1/conversations",
        json={"user_id": str(user), "channel": "api", "metadata": {"access_groups": ["partners"]}},
        headers=headers,
    )
    claimed = await client.post(
        f"/api/v1/conversations/{begun.json()['id']}/messages", json={"content": question}, headers=headers
    )

    assert "12%" in told["response"]
    assert "12%" not in untold["response"]
    assert claimed.status_code == 200, claimed.text
    assert "12%" not in claimed.json()["response"]


async def test_rights_that_were_withdrawn_end_with_the_next_message(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    article = {"title": "The heron discount", "body": "The heron discount is 17%.", "groups": ["partners"]}
    await put(client, "SECRET-3", GADGET | article)
    user = UserId(uuid4())
    partner, nobody = _bearer(settings, user, "partners"), _bearer(settings, user)
    begun = await client.post(
        "/api/v1/conversations", json={"user_id": str(user), "channel": "api"}, headers=partner
    )

    async def told(headers: dict[str, str]) -> str:
        path = f"/api/v1/conversations/{begun.json()['id']}/messages"
        answer = await client.post(path, json={"content": "What is the heron discount?"}, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["response"])

    for _ in range(50):
        if "17%" in await told(partner):
            break
        await asyncio.sleep(0.1)

    assert "17%" in await told(partner)
    assert "17%" not in await told(nobody)


def _bearer(settings: Settings, user: UserId, *groups: str) -> dict[str, str]:
    token = Tokens(settings).issue(ORGANIZATION, user, int(NOW.timestamp()) + 10**9, groups)
    return {"Authorization": f"Bearer {token}"}


async def test_a_question_about_a_version_is_answered_for_it(client: httpx.AsyncClient) -> None:
    for name, versions, number in (("OLD", "<=59", "7"), ("NEW", "60+", "9")):
        body = f"The tapir quota is {number} requests a day for each user of the tapir endpoint."
        article = {"title": "What is the tapir quota?", "body": body, "api_versions": versions}
        await put(client, f"TAPIR-{name}", GADGET | article)
    await answered_from(client, "What is the tapir quota in API version 61.0?", "TAPIR-NEW")

    new = await ask(client, "What is the tapir quota in API version 61.0?")
    old = await ask(client, "What is the tapir quota in Winter '24?")

    assert "9 requests" in new["response"]
    assert "7 requests" not in new["response"]
    assert "API version 61.0 (Summer '24)" in new["response"]
    assert "7 requests" in old["response"]
    assert "API version 59.0 (Winter '24)" in old["response"]


async def test_an_edit_says_what_it_would_do_before_it_is_stored(client: httpx.AsyncClient) -> None:
    stored = await put(
        client,
        "IMPACT-1",
        GADGET
        | {
            "title": "How do I reset the ocelot valve?",
            "body": "Turn the ocelot valve 3 times to the left to reset the ocelot valve of the pump.",
        },
    )
    await put(
        client,
        "IMPACT-2",
        GADGET
        | {
            "title": "How do I clean the ocelot filter?",
            "body": "Rinse the ocelot filter. Turn the ocelot valve 3 times to the left before.",
        },
    )
    await answered_from(client, "How do I reset the ocelot valve?", "IMPACT-1")
    edit = {
        "title": "How do I paint the fence?",
        "body": "Turn the ocelot valve 5 times to the left before painting.",
        "replaces": stored["content"],
    }

    answer = await client.post(f"{ARTICLES}/IMPACT-1/impact", json=GADGET | edit)

    impact = answer.json()
    assert answer.status_code == 200, answer.text
    assert impact["answers"] >= 1
    assert any("3 times" in said for one in impact["lost"] for said in one["statements"])
    assert {(one["before"], one["after"]) for one in impact["moved"]} == {("IMPACT-1", "IMPACT-2")}
    assert any("5 times" in one["sentence"] for one in impact["contradictions"])
    assert (await client.get(f"{ARTICLES}/IMPACT-1")).json()["content"] == stored["content"]


async def test_a_review_proposes_what_people_should_look_at(
    client: httpx.AsyncClient, app: App, settings: Settings
) -> None:
    gap = "Where do I find the flux capacitor of the hovercraft?"
    for question in (gap, "where is the hovercraft's flux capacitor", "flux capacitor of hovercraft??"):
        await ask(client, f"{question} My mail is jo@example.com")
    solved = await _solved_by_people(client, app)
    bad = await put(
        client,
        "FAILS-1",
        GADGET
        | {"title": "Does the yeti switch work?", "body": "Press the yeti switch of the yeti panel twice."},
    )
    assert bad["trust"] == 1.0
    await answered_from(client, "Does the yeti switch work?", "FAILS-1")
    for _ in range(6):
        await _unhelpful(client, "Does the yeti switch work?")

    asked = await client.post("/api/v1/knowledge/reviews", json={})
    await app.review(ORGANIZATION)

    proposals = (await client.get("/api/v1/knowledge/proposals", params={"limit": 100})).json()
    gaps = [one for one in proposals if one["kind"] == "gap" and "flux" in one["title"].lower()]
    [learned] = [one for one in proposals if one["kind"] == "article"]
    doubts = {one["detail"]["article"]: one for one in proposals if one["kind"] == "doubt"}
    assert asked.status_code == 202
    assert [one["detail"]["volume"] for one in gaps] == [3]
    assert "jo@example.com" not in str(proposals)
    assert "[email]" in gaps[0]["title"] + gaps[0]["body"]
    assert learned["detail"] == {"conversation": str(solved)}
    assert "Restart the walrus service" in learned["body"]
    assert "walter@example.com" not in learned["body"]
    assert not {"TAPIR-OLD", "TAPIR-NEW"} & doubts.keys()  # each is for versions of its own
    assert "did not help" in doubts["FAILS-1"]["body"]
    assert (await client.get(f"{ARTICLES}/FAILS-1")).json()["trust"] < 0.5

    path = f"/api/v1/knowledge/proposals/{learned['id']}/accept"
    accepted = await client.post(path, json={"title": "The walrus service hangs"})
    again = await client.post(path, json={})
    rejected = await client.post(f"/api/v1/knowledge/proposals/{gaps[0]['id']}/reject")
    owner = owner_engine(settings.owner_url)
    async with owner.begin() as connection:  # the oldest question leaves the window
        await connection.execute(
            text("UPDATE ai.turns SET created_at = now() - interval '40 days' WHERE heard_id = :oldest"),
            {"oldest": min(gaps[0]["detail"]["messages"])},
        )
    await owner.dispose()
    await app.review(ORGANIZATION)
    still = (await client.get("/api/v1/knowledge/proposals", params={"limit": 100})).json()

    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["status"] == "accepted"
    assert again.status_code == 409
    assert rejected.json()["status"] == "rejected"
    assert not {learned["id"], gaps[0]["id"]} & {one["id"] for one in still}
    assert not [one for one in still if one["kind"] == "gap" and "flux" in one["title"].lower()]
    listed = (await client.get(ARTICLES, params={"q": "walrus service hangs"})).json()["items"]
    assert [one["category"] for one in listed] == ["learned"]


async def _unhelpful(client: httpx.AsyncClient, question: str) -> None:
    answer = await ask(client, question)
    rated = await client.post(
        f"/api/v1/conversations/{answer['conversation_id']}/feedback",
        json={"message_id": answer["id"], "helpful": False},
    )
    assert rated.status_code == 201, rated.text


async def _solved_by_people(client: httpx.AsyncClient, app: App) -> UUID:
    """A conversation in which a person answered and which was resolved."""
    answer = await ask(client, "The walrus service of our intranet hangs since noon")
    conversation = UUID(answer["conversation_id"])
    said = (
        "Restart the walrus service on the second node, wait for a minute, and clear its queue there;"
        " then write to walter@example.com."
    )
    async with app.ports.begin(ORGANIZATION) as unit:
        connection: Any = unit._connection  # type: ignore[attr-defined]  # there is no inbox yet
        await connection.execute(
            text(
                "INSERT INTO core.messages (organization_id, conversation_id, sender_type, content)"
                " VALUES (:org, :conversation, 'human_agent', :said)"
            ),
            {"org": ORGANIZATION, "conversation": conversation, "said": said},
        )
        await unit.commit()
    done = await client.post(f"/api/v1/conversations/{conversation}/resolve", json={})
    assert done.status_code == 200, done.text
    return conversation
