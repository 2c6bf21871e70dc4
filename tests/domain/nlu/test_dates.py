"""Dates, in the forms that people write."""

import pytest

from domain.nlu.dates import dates


@pytest.mark.parametrize(
    ("text", "found", "value"),
    [
        ("on 12 March 2026 it broke", "12 March 2026", "2026-03-12"),
        ("since March 3rd, 2026", "March 3rd, 2026", "2026-03-03"),
        ("due 31.12.2025 latest", "31.12.2025", "2025-12-31"),
        ("on 3/4/2026", "3/4/2026", "2026-03-04"),
        ("on 25/4/2026", "25/4/2026", "2026-04-25"),
        ("on 31/31/2026", "31/31/2026", "31/31/2026"),
        ("Last Friday it worked", "Last Friday", "last friday"),
        ("three weeks ago", "three weeks ago", "three weeks ago"),
        ("by the end of next month", "end of next month", "end of next month"),
        ("since monday morning", "monday morning", "monday morning"),
        ("until May", "May", "may"),
        ("in Q3 2026", "Q3 2026", "q3 2026"),
    ],
)
def test_a_date_is_found_with_its_value(text: str, found: str, value: str) -> None:
    [(start, end, read)] = dates(text)

    assert (text[start:end], read) == (found, value)


@pytest.mark.parametrize("text", ["You may march in", "1.2.3.4 is an address", "version 61.0"])
def test_other_words_and_numbers_are_no_dates(text: str) -> None:
    assert list(dates(text)) == []
