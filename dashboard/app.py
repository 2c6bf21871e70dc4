"""What goes on, for support managers: readiness, conversations, and every reason behind an answer."""

from collections.abc import Iterable
from typing import Any

import streamlit as st

from dashboard.client import ApiError, Client

STATUSES = ("any", "active", "waiting", "escalated", "resolved", "abandoned")
CHANNELS = ("any", "web", "mobile", "email", "slack", "teams", "api")
SPEAKERS = {"user": "Customer", "ai_agent": "Casepilot", "human_agent": "Agent", "system": "System"}


def show(client: Client) -> None:
    """The page. Customer text is shown as text, never as markup."""
    st.set_page_config(page_title="Casepilot", layout="wide")
    st.title("Casepilot")
    try:
        _readiness(client.ready())
        chosen = _conversations(client)
        if chosen:
            _transcript(client.messages(chosen))
    except ApiError as error:
        st.error(str(error))
        st.button("Try again")


def _readiness(ready: dict[str, Any]) -> None:
    columns = st.columns(len(ready["checks"]))
    for column, (name, well) in zip(columns, ready["checks"].items(), strict=True):
        column.metric(name.replace("_", " ").capitalize(), "well" if well else "down")


def _conversations(client: Client) -> str | None:
    """Filters, the list, and the id of the conversation to read."""
    left, right = st.columns(2)
    status = left.selectbox("Status", STATUSES)
    channel = right.selectbox("Channel", CHANNELS)
    filters = {key: value for key, value in (("status", status), ("channel", channel)) if value != "any"}
    found = client.conversations(filters)
    if not found:
        st.info("No conversation matches. New ones appear here as soon as customers write.")
        return None
    st.dataframe([_row(conversation) for conversation in found], hide_index=True)
    chosen: str | None = st.selectbox("Read a conversation", [conversation["id"] for conversation in found])
    return chosen


def _row(conversation: dict[str, Any]) -> dict[str, object]:
    return {
        "Started": conversation["created_at"][:19].replace("T", " "),
        "Channel": conversation["channel"],
        "Status": conversation["status"],
        "Messages": conversation["message_count"],
        "Queue": conversation["queue"] or "",
        "Reason": conversation["escalation_reason"] or "",
        "Conversation": conversation["id"],
    }


def _transcript(messages: Iterable[dict[str, Any]]) -> None:
    for message in messages:
        with st.chat_message("user" if message["sender_type"] == "user" else "assistant"):
            st.caption(f"{SPEAKERS[message['sender_type']]}, {message['created_at'][:19].replace('T', ' ')}")
            st.text(message["content"])
            if message["answer"]:
                _reasons(message["answer"])


def _reasons(answer: dict[str, Any]) -> None:
    why = answer["why"]
    rules = why["rules"] or {"fired": [], "near": []}
    with st.expander(f"Why: {why['outcome']}, confidence {answer['confidence']:.0%}"):
        st.text(f"Intent {answer['intent']}, language {answer['language']}, route {why['route']}")
        for fired in rules["fired"]:
            st.text(f"Rule {fired['rule']} fired: {fired['name']}")
        for near in rules["near"]:
            st.text(f"Rule {near['rule']} nearly fired: {near['name']}")
        if why["passages"]:
            st.dataframe(why["passages"], hide_index=True)
