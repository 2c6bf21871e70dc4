"""The Big List of Naughty Strings wherever a caller may put a text: kept as it is or refused, never 5xx."""

import json
from collections import Counter
from urllib.parse import quote

import httpx
import pytest

from tests.security.calls import CONVERSATIONS, PUBLIC_DATA, a_started, said, transcript

LIST = PUBLIC_DATA / "blns.json"
STRINGS: list[str] = json.loads(LIST.read_text(encoding="utf-8")) if LIST.exists() else []

HEADERS = ("Accept", "Authorization", "X-API-Key", "Idempotency-Key")
"""Headers that we read."""

pytestmark = pytest.mark.skipif(not STRINGS, reason=f"the list is not there: {LIST}")


async def test_as_a_message_each_is_refused_or_kept_as_it_is(client: httpx.AsyncClient) -> None:
    path = await a_started(client)

    answers = [await client.post(f"{path}/messages", json={"content": text}) for text in STRINGS]

    statuses = Counter(answer.status_code for answer in answers)
    taken = [text for text, answer in zip(STRINGS, answers, strict=True) if answer.status_code == 200]
    assert statuses.keys() <= {200, 400}
    assert statuses[200] > 490
    assert all(answer.json()["details"]["code"] for answer in answers if answer.status_code == 400)
    assert await _heard(client, path) == taken


async def test_as_metadata_each_comes_back_as_it_is(client: httpx.AsyncClient) -> None:
    metadata = [dict.fromkeys(STRINGS[n : n + 50], STRINGS[n]) for n in range(0, len(STRINGS), 50)]

    paths = [await a_started(client, metadata=part) for part in metadata]

    assert [(await client.get(path)).json()["metadata"] for path in paths] == metadata


async def test_as_a_reason_and_as_a_comment_each_is_kept(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    answer = await said(client, path, "How do I reset my password?")
    texts = ["\n".join(STRINGS[n : n + 20])[:1_000] for n in range(0, len(STRINGS), 20)]

    for text in texts:
        body = {"message_id": answer["id"], "helpful": True, "comment": text}
        rated = await client.post(f"{path}/feedback", json=body)
        escalated = await client.post(f"{await a_started(client)}/escalate", json={"reason": text})

        assert rated.json() == body
        assert escalated.json()["escalation_reason"] == text


async def test_in_a_query_each_is_400_and_in_a_path_404(client: httpx.AsyncClient) -> None:
    queries: Counter[int] = Counter()
    paths: Counter[int] = Counter()

    for text in STRINGS:
        field = ("status", "channel", "user_id", "before", "limit")[len(text) % 5]
        queries[(await client.get(CONVERSATIONS, params={field: text})).status_code] += 1
        paths[(await client.get(f"{CONVERSATIONS}/{quote(text, safe='')}")).status_code] += 1

    assert queries.keys() <= {200, 400}
    assert queries[400] > 500
    assert paths.keys() <= {200, 404, 405}
    assert paths[404] > 500


async def test_in_headers_none_does_harm(client: httpx.AsyncClient) -> None:
    answered: dict[str, Counter[int]] = {name: Counter() for name in HEADERS}

    for number, text in enumerate(STRINGS):
        value = text.encode().replace(b"\r", b"").replace(b"\n", b"")  # no server lets these through
        name = HEADERS[number % len(HEADERS)]
        method = "POST" if name == "Idempotency-Key" else "GET"
        answer = await client.request(method, CONVERSATIONS, headers=[(name.encode(), value)])
        answered[name][answer.status_code] += 1

    assert answered["Authorization"].keys() == answered["X-API-Key"].keys() == {401}
    assert answered["Accept"].keys() == {200}
    assert answered["Idempotency-Key"].keys() == {400}
    assert min(counts.total() for counts in answered.values()) > 100


async def _heard(client: httpx.AsyncClient, path: str) -> list[str]:
    """The texts of a customer's messages, over all pages."""
    found, after = await transcript(client, path), ""
    while len(found) % 100 == 0:
        after = found[-1]["id"]
        page = (await client.get(f"{path}/messages", params={"limit": 100, "after": after})).json()["items"]
        if not page:
            break
        found += page
    return [message["content"] for message in found if message["sender_type"] == "user"]
