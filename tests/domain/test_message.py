"""What a message may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ContentError
from domain.message import (
    MAX_ATTACHMENT,
    MAX_ATTACHMENTS,
    MAX_CONTENT,
    Attachment,
    AttachmentType,
    Sender,
    checked_attachments,
    checked_content,
    counts,
    refuse_unstorable,
)
from tests.builders import a_message


def outcome(content: str) -> str:
    try:
        checked_content(content)
    except ContentError as refused:
        return refused.code
    return "taken"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("x", id="one letter"),
        pytest.param("x" * MAX_CONTENT, id="5,000 characters"),
        pytest.param("\N{GRINNING FACE}" * MAX_CONTENT, id="5,000 emoji"),
        pytest.param("\N{POUTING FACE}", id="emoji only"),
        pytest.param("\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}", id="joined emoji"),
        pytest.param("?", id="punctuation only"),
        pytest.param("שלום, שכחתי את הסיסמה", id="right-to-left text"),
        pytest.param("\u202eesrever\u202c text", id="bidirectional controls"),
        pytest.param("パスワードを忘れました", id="Japanese"),
        pytest.param("e\u0301", id="combining accent"),
        pytest.param("SELECT Id\n\tFROM Account\r\n", id="tabs and line ends"),
        pytest.param("\x1b[31mError\x1b[0m: field not found", id="a few terminal colours"),
        pytest.param("  padded  ", id="blanks around"),
    ],
)
def test_text_of_any_script_is_taken_unchanged(content: str) -> None:
    assert checked_content(content) == content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("", "content_empty", id="empty"),
        pytest.param(" \t\r\n ", "content_empty", id="blanks only"),
        pytest.param("\u00a0\u2003\u3000", "content_empty", id="wide blanks only"),
        pytest.param("\u200b\u200c\u200d\ufeff\u2060", "content_empty", id="zero-width only"),
        pytest.param("\u202e\u202c\u2066\u2069", "content_empty", id="bidirectional controls only"),
        pytest.param("\x01\x02\x03", "content_empty", id="control characters only"),
        pytest.param("x" * (MAX_CONTENT + 1), "content_too_long", id="5,001 characters"),
        pytest.param(" " * (MAX_CONTENT + 1), "content_too_long", id="5,001 blanks"),
        pytest.param("How do I\x00 reset it?", "content_has_nul", id="NUL"),
        pytest.param("\x00", "content_has_nul", id="NUL only"),
        pytest.param("broken \ud83d emoji", "content_has_surrogate", id="lone high surrogate"),
        pytest.param("broken \ude00 emoji", "content_has_surrogate", id="lone low surrogate"),
        pytest.param("MZ\x90\x03\x04\xff\xb8@\x0e\x1f\xba", "content_binary", id="binary junk"),
        pytest.param("a\x01" * 100, "content_binary", id="half control characters"),
    ],
)
def test_what_cannot_be_shown_or_stored_is_refused(content: str, code: str) -> None:
    with pytest.raises(ContentError) as refused:
        checked_content(content)

    assert refused.value.code == code


@pytest.mark.parametrize(("controls", "taken"), [(1, True), (2, False)])
def test_at_most_a_tenth_of_a_message_may_be_control_characters(controls: int, taken: bool) -> None:
    content = "\x07" * controls + "x" * (10 - controls)

    assert outcome(content) == ("taken" if taken else "content_binary")


def test_the_refusal_of_a_long_message_says_both_lengths() -> None:
    with pytest.raises(ContentError, match=r"at most 5,000 characters; this one has 5,001\.") as refused:
        checked_content("x" * 5_001)

    assert refused.value.details == {"max": 5_000, "length": 5_001}


@given(st.text(max_size=200))
def test_what_is_taken_is_unchanged_visible_and_can_be_stored(content: str) -> None:
    if outcome(content) == "taken":
        assert checked_content(content) == content
        assert content.strip()
        assert content.encode()
        assert "\x00" not in content
    else:
        assert outcome(content) in {"content_empty", "content_binary", "content_has_nul"}


def test_unstorable_text_is_refused_under_the_name_of_its_field() -> None:
    with pytest.raises(ContentError, match="The title holds a NUL character") as refused:
        refuse_unstorable("a\x00b", "title")

    assert refused.value.code == "title_has_nul"


def an_attachment(
    content: str = "System.debug(1);",
    *,
    kind: AttachmentType = AttachmentType.CODE,
    mime_type: str | None = None,
) -> Attachment:
    return Attachment(kind, content, mime_type)


@pytest.mark.parametrize("count", [0, 1, MAX_ATTACHMENTS])
def test_up_to_five_attachments_are_taken(count: int) -> None:
    attachments = (an_attachment(),) * count

    assert checked_attachments(attachments) == attachments


def test_a_sixth_attachment_is_refused() -> None:
    with pytest.raises(ContentError) as refused:
        checked_attachments((an_attachment(),) * 6)

    assert refused.value.code == "too_many_attachments"


@pytest.mark.parametrize("kind", [AttachmentType.CODE, AttachmentType.IMAGE])
def test_an_attachment_may_fill_its_limit_exactly(kind: AttachmentType) -> None:
    attachments = (an_attachment("x" * MAX_ATTACHMENT[kind], kind=kind),)

    assert checked_attachments(attachments) == attachments


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        (AttachmentType.CODE, 50_000),
        (AttachmentType.FILE, 1_000_000),
        (AttachmentType.IMAGE, 1_000_000),
    ],
)
def test_a_larger_attachment_is_refused_by_its_number(kind: AttachmentType, limit: int) -> None:
    too_large = an_attachment("x" * (limit + 1), kind=kind)

    with pytest.raises(ContentError, match="Attachment 2 is larger") as refused:
        checked_attachments((an_attachment(), too_large))

    assert refused.value.code == "attachment_too_large"
    assert refused.value.details == {"attachment": 2, "max": limit, "length": limit + 1}


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (an_attachment("a\x00b"), "attachment_has_nul"),
        (an_attachment("a\ud800b"), "attachment_has_surrogate"),
        (an_attachment(mime_type="text/\x00plain"), "attachment_has_nul"),
    ],
    ids=["NUL in the content", "half a pair in the content", "NUL in the type"],
)
def test_an_attachment_that_cannot_be_stored_is_refused(attachment: Attachment, code: str) -> None:
    with pytest.raises(ContentError) as refused:
        checked_attachments((attachment,))

    assert refused.value.code == code


@pytest.mark.parametrize("sender", list(Sender))
def test_all_but_system_messages_count(sender: Sender) -> None:
    message = a_message(sender=sender)

    assert counts(message) is (sender is not Sender.SYSTEM)
