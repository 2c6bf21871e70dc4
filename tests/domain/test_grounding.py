"""Whether a passage says what an answer says."""

import pytest

from domain.grounding import Near, entails, plain, supports
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


def near(cosine: float, sentence: str = "Click Save and wait.") -> Near:
    return lambda _text, _passage: (cosine, sentence)


LIMITS = a_passage(
    "A transaction may run 100 SOQL queries. Exceeding the limit throws `System.LimitException`, which cannot"
    " be caught. Use Database.Stateful to keep values between batches.",
    title="SOQL limits",
)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("One transaction may run up to 100 SOQL queries.", "A transaction may run 100 SOQL queries."),
        (
            "A System.LimitException cannot be caught.",
            "Exceeding the limit throws it, which cannot be caught.",
        ),
        (
            "Use Database.Stateful if values must keep between batches. [1]",
            "Use Database.Stateful to keep values.",
        ),
    ],
)
def test_what_is_said_in_other_words_is_held(statement: str, sentence: str) -> None:
    assert entails(LIMITS, statement, near(0.9, sentence))
    assert not supports(LIMITS, statement)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("One transaction may run 150 SOQL queries.", "A transaction may run 100 SOQL queries."),
        ("One transaction may not run 100 SOQL queries.", "A transaction may run 100 SOQL queries."),
        ("A System.LimitException can be caught.", "Exceeding the limit throws it, which cannot be caught."),
        ("Use Database.Batchable to keep values between batches.", "Use Database.Stateful to keep values."),
        (
            'The transaction limit says "100 queries a day" of SOQL queries.',
            "A transaction may run 100 SOQL queries.",
        ),
        (
            "Call Acme support and pay the invoice of the transaction.",
            "A transaction may run 100 SOQL queries.",
        ),
        ("```apex\nSystem.debug(100);\n```", "A transaction may run 100 SOQL queries."),
        ("[1]", "A transaction may run 100 SOQL queries."),
    ],
)
def test_other_numbers_names_denials_words_and_code_are_not_held(statement: str, sentence: str) -> None:
    assert not entails(LIMITS, statement, near(0.95, sentence))


def test_the_same_words_with_another_meaning_are_not_held() -> None:
    assert not entails(LIMITS, "A transaction may run 100 SOQL queries each.", near(0.3))
