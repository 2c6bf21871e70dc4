"""What a message may hold: everything that is text comes back unchanged, everything else is a clear 400."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from domain.message import MAX_ATTACHMENT, MAX_ATTACHMENTS
from entrypoints.api.gate import MAX_BODY
from tests.security.calls import CONVERSATIONS, JSON, Json, a_started, said, transcript

GOOD = [
    pytest.param("a", id="one letter"),
    pytest.param("word " * 999 + "words", id="5,000 characters"),
    pytest.param("😀" * 5_000, id="5,000 emoji"),
    pytest.param("🤷🏽‍♀️👩‍👩‍👧‍👦", id="emoji only"),
    pytest.param("كيف أعيد تعيين كلمة المرور؟", id="right to left"),
    pytest.param("איך מאפסים סיסמה", id="Hebrew"),
    pytest.param("reset \u202edrowssap ym\u202c please \u2067x\u2069", id="bidirectional controls"),
    pytest.param("パスワードをリセットする方法", id="Japanese"),
    pytest.param("Z\u0351\u036b\u0343\u036a\u0302\u036bA\u0334\u0335\u031cL\u0334\u0327G\u0337O", id="Zalgo"),
    pytest.param("\ufeffHow do I log in?", id="byte order mark"),
    pytest.param("line one\r\nline two\ttabbed\n", id="line breaks and tabs"),
    pytest.param("'; DROP TABLE core.messages; --", id="SQL"),
    pytest.param("<script>alert(1)</script><img src=x onerror=alert(1)>", id="HTML"),
    pytest.param("{{7*7}} ${7*7} %s %n {0} \\u0000 \\x00", id="templates and escapes"),
    pytest.param("\U0010ffff\ufffe noncharacters", id="noncharacters"),
]
BAD = [
    pytest.param(b'""', "bad_request", id="empty"),
    pytest.param(b'" \\t\\n\\r "', "content_empty", id="blanks"),
    pytest.param('"\u200b\u2060\ufeff\u00a0"'.encode(), "content_empty", id="invisible"),
    pytest.param(b'"' + b"x" * 5_001 + b'"', "bad_request", id="5,001 characters"),
    pytest.param(('"' + "😀" * 5_001 + '"').encode(), "bad_request", id="5,001 emoji"),
    pytest.param(b'"a\\u0000b"', "content_has_nul", id="NUL"),
    pytest.param(b'"a\x00b"', "bad_request", id="raw NUL"),
    pytest.param(b'"\\ud800"', "bad_request", id="lone high surrogate"),
    pytest.param(b'"\\udc00 x"', "bad_request", id="lone low surrogate"),
    pytest.param(b'"\xed\xa0\x80"', "bad_json", id="surrogate in UTF-8"),
    pytest.param(b'"\xff\xfe"', "bad_json", id="no UTF-8"),
    pytest.param(b'"\xc0\xaf"', "bad_json", id="overlong UTF-8"),
    pytest.param(b'"MZ' + b"\\u0001\\u0002\\u0003" * 50 + b' PE"', "content_binary", id="binary junk"),
    pytest.param(b"null", "bad_request", id="null"),
    pytest.param(b"42", "bad_request", id="a number"),
    pytest.param(b'["How do I log in?"]', "bad_request", id="a list"),
]


@pytest.mark.parametrize("content", GOOD)
async def test_text_of_any_kind_is_answered_and_comes_back_unchanged(
    client: httpx.AsyncClient, content: str
) -> None:
    path = await a_started(client)

    answer = await said(client, path, content)

    heard = (await transcript(client, path))[1]
    assert answer["response"]
    assert (heard["sender_type"], heard["content"]) == ("user", content)


@pytest.mark.parametrize(("content", "code"), BAD)
async def test_what_is_no_message_is_400_and_leaves_no_trace(
    client: httpx.AsyncClient, content: bytes, code: str
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", content=b'{"content": ' + content + b"}", headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == code
    assert len(await transcript(client, path)) == 1
    assert (await client.get(path)).json()["status"] == "active"


@pytest.mark.parametrize(
    "body", ["{}", '{"text": "hello"}', "[]", "hello", '{"content": "hello"', '{"content": "a"} trailing']
)
async def test_a_body_without_content_is_400(client: httpx.AsyncClient, body: str) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == "bad_request"


async def test_every_type_of_attachment_is_taken_and_comes_back(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    attachments: list[Json] = [
        {"type": "code", "content": "trigger T on Case (after insert) {}\n", "mime_type": None},
        {"type": "image", "content": png, "mime_type": "image/png"},
        {"type": "file", "content": base64.b64encode(b"a,b\n1,2").decode(), "mime_type": "text/csv"},
    ]

    answer = await said(client, path, "What is wrong with my trigger?", attachments=attachments)

    assert answer["why"]["facts"]["has_attachments"] is True
    assert (await transcript(client, path))[1]["attachments"] == attachments


async def test_attachments_at_their_limits_are_taken(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    attachments = [
        {"type": kind, "content": "x" * limit, "mime_type": None} for kind, limit in MAX_ATTACHMENT.items()
    ] + [{"type": "code", "content": "é😀", "mime_type": "text/x-apex"}] * (MAX_ATTACHMENTS - 3)

    await said(client, path, "see attached", attachments=attachments)

    assert (await transcript(client, path))[1]["attachments"] == attachments


def _code(content: str) -> Json:
    return {"type": "code", "content": content}


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        pytest.param([_code("x")] * 6, "too_many_attachments", id="six"),
        pytest.param([_code("x" * 50_001)], "attachment_too_large", id="large code"),
        pytest.param([{"type": "image", "content": "x" * 1_000_001}], "attachment_too_large", id="image"),
        pytest.param([{"type": "file", "content": "x" * 1_000_001}], "attachment_too_large", id="large file"),
        pytest.param([{"type": "video", "content": "x"}], "bad_request", id="unknown type"),
        pytest.param([{"type": "file"}], "bad_request", id="no content"),
        pytest.param([{"content": "x"}], "bad_request", id="no type"),
        pytest.param([_code("a\x00b")], "attachment_has_nul", id="NUL"),
        pytest.param([{**_code("a"), "mime_type": "text/\x00"}], "attachment_has_nul", id="NUL in type"),
        pytest.param([{**_code("a"), "mime_type": 1}], "bad_request", id="number for a type"),
        pytest.param("x", "bad_request", id="text"),
        pytest.param(None, "bad_request", id="null"),
        pytest.param([None], "bad_request", id="list of null"),
    ],
)
async def test_attachments_that_cannot_be_taken_are_400(
    client: httpx.AsyncClient, attachments: object, code: str
) -> None:
    path = await a_started(client)

    answer = await client.post(f"{path}/messages", json={"content": "see here", "attachments": attachments})

    assert answer.status_code == 400
    assert answer.json()["details"]["code"] == code
    assert len(await transcript(client, path)) == 1


async def test_a_large_attachment_is_named_with_its_limit(client: httpx.AsyncClient) -> None:
    path = await a_started(client)
    attachments = [_code("fine"), _code("x" * 50_001)]

    answer = await client.post(f"{path}/messages", json={"content": "see here", "attachments": attachments})

    details = answer.json()["details"]
    assert (details["attachment"], details["max"], details["length"]) == (2, 50_000, 50_001)


async def _pieces(size: int) -> AsyncIterator[bytes]:
    yield b'{"content": "'
    for _ in range(size // 65_536):
        yield b"x" * 65_536
    yield b'"}'


@pytest.mark.parametrize("repeatable", [True, False], ids=["with a key", "without a key"])
@pytest.mark.parametrize("declared", [True, False], ids=["length declared", "length unknown"])
async def test_a_body_over_eight_megabytes_is_413(
    client: httpx.AsyncClient, *, declared: bool, repeatable: bool
) -> None:
    path = await a_started(client)
    headers = {"Idempotency-Key": path} if repeatable else {}
    content = b'"' + b"x" * MAX_BODY + b'"' if declared else _pieces(MAX_BODY + 65_536)

    answer = await client.post(f"{path}/messages", content=content, headers=JSON | headers)

    assert answer.status_code == 413
    assert answer.json()["details"] == {"code": "body_too_large"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
async def test_a_body_that_calls_itself_something_else_is_read_as_json_or_refused(
    client: httpx.AsyncClient, media_type: str
) -> None:
    answer = await client.post(
        CONVERSATIONS,
        content=f'{{"user_id": "{uuid4()}", "channel": "web"}}',
        headers={"Content-Type": media_type},
    )

    assert answer.status_code in {201, 400, 415}
    assert answer.headers["content-type"] == "application/json"
