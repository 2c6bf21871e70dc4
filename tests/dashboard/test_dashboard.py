"""The dashboard over the HTTP API's shapes: what managers see, with nothing there, and when it is down."""

import json
from pathlib import Path

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.client import ApiError, Client

READY = {"ready": True, "checks": {"database": True, "redis": False}, "degraded": ["redis"]}
CONVERSATION = {
    "id": "c-1",
    "created_at": "2026-11-22T09:30:00Z",
    "channel": "web",
    "status": "escalated",
    "message_count": 2,
    "queue": "legal_review",
    "escalation_reason": "Rule RULE-ESC-002: Legal threat",
}
FIRED = {"rule": "RULE-ESC-002", "name": "Legal threat", "checks": []}
ANSWER = {
    "intent": "complaint",
    "language": "en",
    "confidence": 0.9,
    "why": {
        "outcome": "escalated",
        "route": "fixed text",
        "rules": {"fired": [FIRED], "near": []},
        "passages": [],
    },
}
MESSAGES = [
    {
        "sender_type": "user",
        "created_at": "2026-11-22T09:30:00Z",
        "content": "<b>my lawyer</b>",
        "answer": None,
    },
    {"sender_type": "system", "created_at": "2026-11-22T09:30:01Z", "content": "A person.", "answer": ANSWER},
]


def api(conversations: list[dict[str, object]]) -> httpx.MockTransport:
    """An API that has these conversations."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/ready":
            return httpx.Response(200, json=READY)
        if request.url.path.endswith("/messages"):
            return httpx.Response(200, json={"items": MESSAGES, "next": None})
        return httpx.Response(200, json={"items": conversations, "next": None})

    return httpx.MockTransport(answer)


def page(transport: httpx.BaseTransport) -> AppTest:
    """The page over a transport."""

    def run(transport: object) -> None:
        from dashboard.app import show
        from dashboard.client import Client

        show(Client("http://api", "key", transport))  # type: ignore[arg-type]  # runs where httpx is unknown

    return AppTest.from_function(run, kwargs={"transport": transport}).run(timeout=20)


def test_a_manager_sees_readiness_conversations_and_reasons() -> None:
    shown = page(api([CONVERSATION]))

    assert not shown.exception
    assert [(m.label, m.value) for m in shown.metric] == [("Database", "well"), ("Redis", "down")]
    texts = [element.value for element in shown.text]
    assert "Rule RULE-ESC-002 fired: Legal threat" in texts


def test_customer_text_is_never_markup() -> None:
    shown = page(api([CONVERSATION]))

    assert "<b>my lawyer</b>" in [element.value for element in shown.text]
    assert not any("my lawyer" in element.value for element in shown.markdown)


def test_no_conversations_are_said_to_be_none() -> None:
    shown = page(api([]))

    assert "No conversation matches" in shown.info[0].value


def test_an_api_that_is_down_is_told_with_a_way_to_try_again() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    shown = page(httpx.MockTransport(refuse))

    assert "does not answer" in shown.error[0].value
    assert shown.button[0].label == "Try again"


def test_a_refusal_is_told_in_the_apis_words() -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(401, json={"error": "Invalid or expired token", "details": {}})
    )

    with pytest.raises(ApiError, match="Invalid or expired token"):
        Client("http://api", "key", transport).conversations({})


def test_the_entry_reads_its_access_file(tmp_path: Path) -> None:
    access = tmp_path / "access.json"
    access.write_text(json.dumps({"api": "http://127.0.0.1:9", "api_key": "key"}), encoding="utf-8")

    shown = AppTest.from_string(
        f"import sys; sys.argv = ['main', {str(access)!r}]; import dashboard.main, importlib;"
        " importlib.reload(dashboard.main)"
    ).run(timeout=20)

    assert "does not answer" in shown.error[0].value
