"""JSON that is wrong, nearly right, or right and awkward is answered, never with a failure of ours."""

import json
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import pytest

from domain.ids import MessageId
from entrypoints.bootstrap import App
from tests.builders import ORGANIZATION
from tests.security.calls import CONVERSATIONS, JSON, PUBLIC_DATA, a_started

SUITE = PUBLIC_DATA / "JSONTestSuite" / "test_parsing"
FILES = {file.name: file.read_bytes() for file in sorted(SUITE.glob("*.json"))}
NUL = "y_string_null_escape.json", "y_object_escaped_null_in_key.json"
"""Valid JSON that PostgreSQL cannot store."""

needs_suite = pytest.mark.skipif(not FILES, reason=f"the parsing corpus is not there: {SUITE}")


def as_metadata(value: bytes) -> bytes:
    return b'{"user_id": "%s", "channel": "web", "metadata": {"a": %s}}' % (str(uuid4()).encode(), value)


@needs_suite
@pytest.mark.parametrize(("name", "value"), FILES.items(), ids=FILES)
async def test_a_file_of_the_suite_is_taken_or_refused_as_it_should(
    client: httpx.AsyncClient, name: str, value: bytes
) -> None:
    bare = await client.post(CONVERSATIONS, content=value, headers=JSON)
    inside = await client.post(CONVERSATIONS, content=as_metadata(value), headers=JSON)

    allowed = {"y": {201}, "n": {400}, "i": {201, 400}}[name[0]]
    assert bare.status_code == 400
    assert bare.json()["details"]["code"] in {"bad_request", "bad_json"}
    assert inside.status_code in ({400} if name in NUL else allowed)
    if inside.status_code == 201:
        read = await client.get(f"{CONVERSATIONS}/{inside.json()['id']}")
        assert as_numbers(read.json()) == as_numbers(inside.json())
    else:
        assert inside.json()["error"]


@needs_suite
def test_the_suite_is_whole() -> None:
    assert [sum(name[0] == kind for name in FILES) for kind in "yni"] == [95, 188, 35]


@pytest.mark.parametrize("depth", [100, 1_000, 100_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
async def test_nesting_is_refused_whatever_its_depth(
    client: httpx.AsyncClient, depth: int, opening: bytes, closing: bytes, *, closed: bool
) -> None:
    value = opening * depth + b"1" + (closing * depth if closed else b"")

    bodies = value, as_metadata(value), b'{"content": ' + value + b"}"
    answers = [await client.post(CONVERSATIONS, content=body, headers=JSON) for body in bodies]

    assert [answer.status_code for answer in answers] == [400] * 3


async def test_of_doubled_keys_the_last_counts(client: httpx.AsyncClient) -> None:
    user = uuid4()
    body = f'{{"channel": "fax", "user_id": "{user}", "channel": "web", "metadata": {{"a": 1, "a": 2}}}}'

    created = await client.post(CONVERSATIONS, content=body, headers=JSON)

    assert created.status_code == 201
    assert (created.json()["channel"], created.json()["metadata"]) == ("web", {"a": 2})


async def test_a_thousand_keys_and_unknown_fields_are_no_matter(client: httpx.AsyncClient) -> None:
    body = {f"unknown {n}": n for n in range(1_000)} | {
        "user_id": str(uuid4()),
        "channel": "web",
        "metadata": {f"key {n}": n for n in range(800)},
        "__proto__": {"admin": True},
        "constructor": {"prototype": {}},
    }

    created = await client.post(CONVERSATIONS, json=body)

    assert created.status_code == 201
    assert created.json()["metadata"] == body["metadata"]


@pytest.mark.parametrize(
    "number",
    [
        "0.1",
        "-0.0",
        "1e308",
        "-1e308",
        "5e-324",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789.125e10",
        "9" * 300,
        "9" * 4_300,
    ],
)
async def test_a_number_comes_back_as_large_as_it_was(
    client: httpx.AsyncClient, app: App, number: str
) -> None:
    created = await client.post(CONVERSATIONS, content=as_metadata(number.encode()), headers=JSON)

    path = f"{CONVERSATIONS}/{created.json()['id']}"
    read = await client.get(path)
    answer = await client.post(f"{path}/messages", json={"content": "How do I reset my password?"})

    assert created.status_code == 201
    assert answer.status_code == 200
    assert (await app.replay(ORGANIZATION, MessageId(UUID(answer.json()["id"])))).same
    assert Decimal(str(read.json()["metadata"]["a"])) == Decimal(number)


@pytest.mark.parametrize(
    "number",
    ["1e309", "-1e999999999", "NaN", "Infinity", "0x1F", "1_000", "01", "1.", "9" * 4_301, "9" * 16_000],
)
async def test_what_is_no_number_or_too_large_a_one_is_400(client: httpx.AsyncClient, number: str) -> None:
    answer = await client.post(CONVERSATIONS, content=as_metadata(number.encode()), headers=JSON)

    assert answer.status_code == 400


@pytest.mark.parametrize("action", ["messages", "resolve", "escalate", "feedback"])
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b'"', b"\x00", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"{}" * 2, b"[" * 100_000],
    ids=["empty", "null", "list", "open", "quote", "NUL", "UTF-16", "byte order mark", "twice", "deep"],
)
async def test_every_post_refuses_what_is_no_object_of_its_kind(
    client: httpx.AsyncClient, action: str, body: bytes
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/{action}", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] in {"bad_request", "bad_json"}
    assert (await client.get(path)).json()["status"] == "active"


def as_numbers(value: object) -> object:
    """JSON with every number a float: a store may write 1e20 as 100000000000000000000."""
    return json.loads(json.dumps(value), parse_int=float)
