"""Tokens, stems and sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nlu.text import STOP_WORDS, normalised, sentences, stem, terms, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n\t ", []),
        ("?!...", []),
        ("How do I reset it?", ["how", "do", "i", "reset", "it"]),
        ("don't and don\u2019t", ["don't", "and", "don\u2019t"]),
        ("reset, reset; RESET", ["reset", "reset", "reset"]),
        ("Account.Name", ["account", "name"]),
        ("Trigger.new[0]", ["trigger", "new", "0"]),
        ("API v60.0", ["api", "v60", "0"]),
        ("sign-in", ["sign", "in"]),
        ("naïve CAFÉ", ["naïve", "café"]),
        ("STRASSE Straße", ["strasse", "straße"]),
        ("パスワード を リセット", ["パスワード", "を", "リセット"]),
        ("كلمة المرور", ["كلمة", "المرور"]),
        ("\N{POUTING FACE}", []),
    ],
)
def test_tokens_are_the_lower_case_words_of_any_script(text: str, words: list[str]) -> None:
    assert tokens(text) == words


@pytest.mark.parametrize("text", ["Invoice__c", "My_Invoice__c.Total__c", "UNABLE_TO_LOCK_ROW"])
def test_an_identifier_yields_its_parts(text: str) -> None:
    parts = {part.lower() for part in text.replace(".", "_").split("_") if part}

    assert parts <= set(tokens(text))


@given(st.text(max_size=100))
def test_every_token_is_a_piece_of_the_text(text: str) -> None:
    lower = text.lower()

    assert all(token in lower for token in tokens(text))


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("reset", "resets", "resetting"), "reset"),
        (("query", "queries"), "queri"),
        (("permission", "permissions"), "permiss"),
    ],
)
def test_forms_of_a_word_have_one_stem(words: tuple[str, ...], same: str) -> None:
    assert {stem(word) for word in words} == {same}


def test_terms_are_stems_of_what_carries_a_topic() -> None:
    assert terms("Hi, how do I reset the passwords of my users please?") == ["reset", "password", "user"]


def test_a_question_of_stop_words_only_has_no_terms() -> None:
    assert terms("What is it about?") == []


def test_stop_words_are_lower_case_tokens() -> None:
    assert {word for word in STOP_WORDS if tokens(word) != [word]} == set()


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"], ids=["straight", "typographic"])
def test_a_possessive_has_the_stem_of_its_word(apostrophe: str) -> None:
    assert terms(f"the user{apostrophe}s profile") == terms("user profile")


@pytest.mark.parametrize(
    ("paragraph", "parts"),
    [
        ("", []),
        ("   ", []),
        ("No end", ["No end"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Really?! Yes.", ["Really?!", "Yes."]),
        ("One.\nTwo.", ["One.", "Two."]),
        ("One.   Two.", ["One.", "Two."]),
        ("Use e.g. Setup. Then save.", ["Use e.g. Setup.", "Then save."]),
        ("Flows, i.e. Automations. Fine.", ["Flows, i.e. Automations.", "Fine."]),
        ("Ask Mr. Smith or Dr. Who. Now.", ["Ask Mr. Smith or Dr. Who.", "Now."]),
        ("Apex vs. Flow. Choose.", ["Apex vs. Flow.", "Choose."]),
        ("1. Open it. 2. Close it.", ["1. Open it.", "2. Close it."]),
        ("Use version 60.0 now. Done.", ["Use version 60.0 now.", "Done."]),
        ("Call System.debug(x). Then read.", ["Call System.debug(x).", "Then read."]),
        ("Set Account.Name. `Save` it.", ["Set Account.Name.", "`Save` it."]),
        ("It failed. see the log.", ["It failed. see the log."]),
        ('He asked. "Why?" Then left.', ["He asked.", '"Why?" Then left.']),
        ("It ended. (It did.) Yes.", ["It ended.", "(It did.) Yes."]),
        ("日本語。次の文。", ["日本語。次の文。"]),
    ],
)
def test_prose_is_split_where_sentences_end(paragraph: str, parts: list[str]) -> None:
    assert sentences(paragraph) == parts


@given(st.text(alphabet="aB1. !?\n'(`", max_size=60))
def test_splitting_loses_nothing_but_spacing(paragraph: str) -> None:
    parts = sentences(paragraph)

    assert " ".join(parts) == " ".join(paragraph.split())
    assert all(parts)


@pytest.mark.parametrize(
    ("one", "other"), [("Reset  my\npassword", " reset MY password "), ("STRASSE", "straße"), ("", "  ")]
)
def test_texts_that_differ_in_case_and_spacing_are_normalised_alike(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
