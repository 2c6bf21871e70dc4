"""Which languages a message is in."""

import pytest

from adapters.system import LangidDetector

DETECTOR = LangidDetector()


@pytest.mark.parametrize(
    ("text", "code", "others"),
    [
        ("The report does not show the opportunities of last month.", "en", ()),
        ("Seit gestern kann sich niemand mehr anmelden, was sollen wir tun?", "de", ()),
        (
            "Seit gestern kann sich niemand anmelden. Could you please answer in English for my boss?",
            "de",
            ("en",),
        ),
        (
            'This is what a customer wrote to us: "Je ne peux plus ouvrir ma facture depuis hier"',
            "en",
            ("fr",),
        ),
        ("System.NullPointerException: Attempt to de-reference a null object", "en", ()),
    ],
)
def test_the_languages_of_a_message(text: str, code: str, others: tuple[str, ...]) -> None:
    found = DETECTOR.detect(text)

    assert {found.code, *found.others} == {code, *others}


def test_few_latin_words_and_code_say_nothing_sure() -> None:
    for text in ("ok", "UNABLE_TO_LOCK_ROW", "```\nSELECT Id FROM Account\n```", "My_Field__c", "42"):
        assert DETECTOR.detect(text).confidence == 0.0
