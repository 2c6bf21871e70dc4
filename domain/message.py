"""What a message may hold, and who may send it."""

import unicodedata
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from domain.errors import ContentError
from domain.ids import MessageId

MAX_CONTENT = 5_000
"""Characters in one message (the customer's OpenAPI, sendMessage.content.maxLength)."""
MAX_ATTACHMENTS = 5
"""Attachments in one message."""
MAX_ATTACHMENT = {"code": 50_000, "file": 1_000_000, "image": 1_000_000}
"""Characters of one attachment's content, by type; image and file content is base64."""


class Sender(StrEnum):
    """Who speaks."""

    USER = "user"
    AI_AGENT = "ai_agent"
    HUMAN_AGENT = "human_agent"
    SYSTEM = "system"


class AttachmentType(StrEnum):
    """What an attachment is, as the customer's OpenAPI names it."""

    IMAGE = "image"
    FILE = "file"
    CODE = "code"


class Attachment(Struct, frozen=True):
    """Something sent along with a message. Image and file content is base64, code is plain text."""

    type: AttachmentType
    content: str
    mime_type: str | None = None


class Message(Struct, frozen=True):
    """One thing said.

    `in_reply_to` names the customer's message that this answers, at most one reply each. `depth` counts the
    automations between a customer's word and this message; 0 is the customer.
    """

    id: MessageId
    sender: Sender
    content: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: MessageId | None = None
    kind: str = ""
    depth: int = 0


def counts(message: Message) -> bool:
    """Customer and agent messages count; system messages (greeting, notices) do not."""
    return message.sender is not Sender.SYSTEM


def checked_content(content: str) -> str:
    """Return `content` as it may be stored, or raise `ContentError`.

    Refused: nothing visible, more than `MAX_CONTENT` characters, NUL (PostgreSQL text cannot hold it),
    lone surrogates (not encodable), and text that is mostly control characters (a binary file pasted).
    Right-to-left text, bidirectional controls and emoji are text.
    """
    if len(content) > MAX_CONTENT:
        raise ContentError(
            "content_too_long",
            f"A message holds at most {MAX_CONTENT:,} characters; this one has {len(content):,}."
            " Shorten it or attach the rest.",
            {"max": MAX_CONTENT, "length": len(content)},
        )
    refuse_unstorable(content, "content")
    if not any(unicodedata.category(character)[0] not in "CZ" for character in content):
        raise ContentError("content_empty", "The message is empty. Write at least one visible character.")
    controls = sum(1 for c in content if unicodedata.category(c) == "Cc" and c not in "\t\n\r")
    if controls * 10 > len(content):
        raise ContentError("content_binary", "The message looks like a binary file. Attach it instead.")
    return content


def refuse_unstorable(text: str, field: str) -> None:
    """Raise `ContentError` for what PostgreSQL text cannot hold: NUL and lone surrogates."""
    if "\x00" in text:
        raise ContentError(f"{field}_has_nul", f"The {field} holds a NUL character. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ContentError(
            f"{field}_has_surrogate", f"The {field} holds half of a character pair. Remove it."
        ) from error


def checked_attachments(attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """Return the attachments, or raise `ContentError` for too many, too large, or unstorable ones."""
    if len(attachments) > MAX_ATTACHMENTS:
        raise ContentError("too_many_attachments", f"A message takes at most {MAX_ATTACHMENTS} attachments.")
    for number, attachment in enumerate(attachments, 1):
        limit = MAX_ATTACHMENT[attachment.type]
        if len(attachment.content) > limit:
            raise ContentError(
                "attachment_too_large",
                f"Attachment {number} is larger than the {limit:,} characters for '{attachment.type}'.",
                {"attachment": number, "max": limit, "length": len(attachment.content)},
            )
        refuse_unstorable(attachment.content, "attachment")
        refuse_unstorable(attachment.mime_type or "", "attachment")
    return attachments
