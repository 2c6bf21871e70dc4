"""Names of people and companies."""

import pytest

from domain.nlu.names import names


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("Hi, this is Maria Lopez, our flow fails", "PERSON", "Maria Lopez"),
        ("Dr. Ada van Houten cannot log in", "PERSON", "Ada van Houten"),
        ("Hello Priya,\nthe export is empty", "PERSON", "Priya"),
        ("Yesterday Tom O'Neil told me so", "PERSON", "Tom O'Neil"),
        ("we are Tidewater Credit Union and wait", "ORG", "Tidewater Credit Union"),
        ("the consultant from Northgate asked", "ORG", "Northgate"),
    ],
)
def test_a_name_is_found_without_the_words_beside_it(text: str, kind: str, name: str) -> None:
    assert (kind, name) in [(kind_, text[start:end]) for kind_, start, end in names(text)]


@pytest.mark.parametrize("text", ["Thanks, Support", "Salesforce says no", "away from Monday on", "at Setup"])
def test_other_capitals_are_no_names(text: str) -> None:
    assert list(names(text)) == []
