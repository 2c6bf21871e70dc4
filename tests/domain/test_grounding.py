"""Whether a passage says what an answer says."""

import pytest

from domain.grounding import plain, support, supports
from tests.builders import a_passage

PASSAGE = a_passage("Open **Setup**. Then:\n\n1. Click `Save`.\n2. Wait for *five* minutes.")


@pytest.mark.parametrize(
    "statement",
    [
        "Open Setup.",
        "Open **Setup**.",
        "open setup. [1]",
        "1. Click `Save`.",
        "- Click Save. [12]",
        "Wait   for five\nminutes.",
        "CLICK SAVE.",
    ],
)
def test_marks_case_and_spacing_do_not_matter(statement: str) -> None:
    assert supports(PASSAGE, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "Open Setup and wait.",
        "Wait for six minutes.",
        "Click Cancel.",
        "Delete all records.",
        "Wait for five minutes. Then go.",
    ],
)
def test_any_other_word_is_not_supported(statement: str) -> None:
    assert not supports(PASSAGE, statement)


def test_an_index_in_code_is_compared_alike_on_both_sides() -> None:
    passage = a_passage("```apex\nTrigger.new[0].Name = 'x';\n```")

    assert supports(passage, passage.body)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12. **Click** _here_ [3]", "click here"),
        ("* one\n* two", "one two"),
        ("STRASSE straße", "strasse strasse"),
        ("1.5 hours", "1.5 hours"),
        ("", ""),
    ],
)
def test_plain_words_are_what_is_left_without_marks(text: str, words: str) -> None:
    assert plain(text) == words


def test_support_is_the_share_of_statements_that_their_passage_holds() -> None:
    pairs = [("Open Setup.", PASSAGE), ("Close Setup.", PASSAGE), ("Click Save.", PASSAGE)]

    assert support(pairs) == pytest.approx(2 / 3)


def test_nothing_said_is_fully_supported() -> None:
    assert support([]) == 1.0
