"""Dates that are counted from a day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nlu.dates import dates
from domain.nlu.entities import EntityFinder, EntityType, Gazetteer
from domain.nlu.record_ids import long_id, record_ids

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("phrase", "value"),
    [
        ("today", "2026-11-22"),
        ("yesterday", "2026-11-21"),
        ("tomorrow", "2026-11-23"),
        ("the day before yesterday", "2026-11-20"),
        ("the day after tomorrow", "2026-11-24"),
        ("3 days ago", "2026-11-19"),
        ("two weeks ago", "2026-11-08"),
        ("a month ago", "2026-10-22"),
        ("in 2 days", "2026-11-24"),
        ("within a week", "2026-11-29"),
        ("last Friday", "2026-11-20"),
        ("next Monday", "2026-11-23"),
        ("this Wednesday", "2026-11-18"),
        ("Sunday", "2026-11-15"),
        ("Monday morning", "2026-11-16"),
        ("last week", "2026-W46"),
        ("next month", "2026-12"),
        ("last year", "2025"),
        ("end of the month", "2026-11-30"),
        ("end of this quarter", "2026-12-31"),
        ("beginning of next year", "2027-01-01"),
        ("start of this week", "2026-11-16"),
        ("14 June", "2026-06-14"),
        ("January 3rd", "2027-01-03"),
        ("12.11.2024", "2024-11-12"),
        ("few days ago", "few days ago"),
    ],
)
def test_relative_dates_are_counted_from_a_day(phrase: str, value: str) -> None:
    [(start, end, found)] = dates(f"It broke {phrase} for us", SUNDAY)

    assert (f"It broke {phrase} for us"[start:end], found) == (phrase, value)


def test_without_a_day_they_stay_as_they_are_said() -> None:
    assert [value for _, _, value in dates("since last Friday, 14 June")] == ["last friday", "14 june"]


@given(today=st.dates(date(1900, 1, 1), date(2200, 12, 31)), count=st.integers(1, 9_999))
def test_any_count_of_days_ago_is_that_day_or_left(today: date, count: int) -> None:
    [(_, _, value)] = dates(f"{count} days ago", today)

    try:
        expected = (today - timedelta(count)).isoformat()
    except OverflowError:
        expected = f"{count} days ago"
    assert value == expected


@given(today=st.dates(date(1900, 1, 1), date(2200, 12, 31)), text=st.text(max_size=60))
def test_no_text_and_no_day_break_it(today: date, text: str) -> None:
    list(dates(f"{text} end of last quarter, 29 February, 300 years ago {text}", today))


@pytest.mark.parametrize(
    ("short", "long"),
    [("001A0000006Vm9u", "001A0000006Vm9uIAC"), ("0033000000EZ4xh", "0033000000EZ4xhAAD")],
)
def test_short_ids_get_their_case_in_letters(short: str, long: str) -> None:
    assert long_id(short) == long


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open 001A0000006Vm9u please", ["001A0000006Vm9uIAC"]),
        ("open 001A0000006Vm9uIAC please", ["001A0000006Vm9uIAC"]),
        ("open 001A0000006Vm9uAAA please", []),
        ("my own a0X3000000EZ4xh", []),
        ("internationally", []),
        ("123456789012345", []),
        ("zzz0000006Vm9uA", []),
    ],
)
def test_ids_are_checked(text: str, found: list[str]) -> None:
    assert [value for _, _, value in record_ids(text)] == found


def test_a_record_is_an_entity_with_its_long_id() -> None:
    [entity] = EntityFinder(Gazetteer({})).find("case 001A0000006Vm9u is stuck", SUNDAY)

    assert (entity.type, entity.value) == (EntityType.SALESFORCE_OBJECT, "001A0000006Vm9uIAC")
