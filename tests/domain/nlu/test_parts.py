"""The parts of a message that may each ask for something."""

import pytest

from domain.nlu.parts import MAX_PARTS, parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "How do I reset my password? And where are the sharing rules?",
            ("How do I reset my password", "And where are the sharing rules"),
        ),
        (
            "my flow fails and also the nightly export is empty",
            ("my flow fails", "the nightly export is empty"),
        ),
        (
            "Reset my password, and how do I export accounts?",
            ("Reset my password", "how do I export accounts"),
        ),
        ("I have a question about accounts and contacts", ("I have a question about accounts and contacts",)),
        ("Hello! My flow fails", ("My flow fails",)),
        ("ok", ()),
    ],
)
def test_a_message_falls_into_what_it_asks(text: str, found: tuple[str, ...]) -> None:
    assert parts(text) == found


def test_there_are_not_too_many_parts() -> None:
    assert len(parts("Reset the password. " * 50)) == MAX_PARTS
