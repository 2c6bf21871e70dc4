"""Dates that are said relative to a day: yesterday, last Friday, two weeks ago, end of the month.

Values are ISO 8601: a day (2026-11-22), a week (2026-W47), a month (2026-11) or a year (2026).
"""

import calendar
import re
from datetime import date, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COUNTS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "couple of": 2,
}
DAYS = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1}
UNIT = "day|week|month|year"
AGO = re.compile(rf"(?:(?P<ago>.+?) (?P<unit>{UNIT})s? ago|(?:in|within) (?P<ahead>.+?) (?P<unit2>{UNIT})s?)")
WEEKDAY = re.compile(
    r"(?:(?P<which>last|past|next|this|coming) )?(?P<day>mon|tue|wed|thu|fri|sat|sun)[a-z]*.*"
)
PERIOD = re.compile(r"(?P<which>last|past|next|this|coming) (?P<unit>week|month|year)")
EDGE = re.compile(
    r"(?P<edge>end|beginning|start) of (?:(?P<which>the|this|next|last) )?(?P<unit>week|month|quarter|year)"
)
SHIFT = {"last": -1, "past": -1, "next": 1, "coming": 1, "this": 0, "the": 0, None: 0}
QUARTER = 3


def resolved(phrase: str, today: date) -> str | None:
    """The ISO form of a phrase in lower case, on a day; None for one that is too vague."""
    if (last := phrase.rsplit(maxsplit=1)[-1]) in DAYS:
        step = -1 if " before " in phrase else 1 if " after " in phrase else 0
        return (today + timedelta(DAYS[last] + step)).isoformat()
    if match := AGO.fullmatch(phrase):
        return _counted(today, match)
    if match := PERIOD.fullmatch(phrase):
        return _period(today, SHIFT[match["which"]], match["unit"])
    if match := EDGE.fullmatch(phrase):
        return _edge(today, SHIFT[match["which"]], match["unit"], at_end=match["edge"] == "end")
    if match := WEEKDAY.fullmatch(phrase):
        return _weekday(today, WEEKDAYS.index(match["day"]), match["which"])
    return None


def nearest_year(month: int, day: int, today: date) -> str | None:
    """The day of that month nearest to today, for a date without a year."""
    years = (today.year - 1, today.year, today.year + 1)
    found = [date(year, month, day) for year in years if 1 <= day <= calendar.monthrange(year, month)[1]]
    return min(found, key=lambda one: abs(one - today)).isoformat() if found else None


def _counted(today: date, match: re.Match[str]) -> str | None:
    back = match["ago"] is not None
    said = match["ago"] if back else match["ahead"]
    count = int(said) if said.isdigit() else COUNTS.get(said)
    if count is None:
        return None
    return _moved(today, -count if back else count, match["unit"] or match["unit2"])


def _moved(today: date, count: int, unit: str) -> str | None:
    try:
        if unit in {"day", "week"}:
            return (today + timedelta(days=count * (7 if unit == "week" else 1))).isoformat()
        return _months_on(today, count * (12 if unit == "year" else 1)).isoformat()
    except (OverflowError, ValueError):
        return None


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _period(today: date, shift: int, unit: str) -> str:
    if unit == "week":
        year, week, _ = (today + timedelta(weeks=shift)).isocalendar()
        return f"{year}-W{week:02d}"
    if unit == "month":
        return _months_on(today.replace(day=1), shift).strftime("%Y-%m")
    return str(today.year + shift)


def _edge(today: date, shift: int, unit: str, *, at_end: bool) -> str:
    """The first or last day of a period."""
    if unit == "week":
        monday = today - timedelta(today.weekday()) + timedelta(weeks=shift)
        return (monday + timedelta(6 if at_end else 0)).isoformat()
    length = {"month": 1, "quarter": QUARTER, "year": 12}[unit]
    first = today.replace(day=1, month=(today.month - 1) // length * length + 1)
    first = _months_on(first, shift * length)
    return (_months_on(first, length) - timedelta(1) if at_end else first).isoformat()


def _weekday(today: date, weekday: int, which: str | None) -> str:
    """A day of the week: 'next' and 'coming' ahead, 'this' in this week, else the last one before today."""
    if which in {"next", "coming"}:
        return (today + timedelta((weekday - today.weekday() - 1) % 7 + 1)).isoformat()
    if which == "this":
        return (today + timedelta(weekday - today.weekday())).isoformat()
    return (today - timedelta((today.weekday() - weekday - 1) % 7 + 1)).isoformat()
