"""Dates in a message, with their ISO 8601 form where the text gives one in full."""

import re
from collections.abc import Iterator
from datetime import date

from domain.nlu.relative_dates import nearest_year, resolved

NAMES = (
    *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug"),
    *("september sep sept", "october oct", "november nov", "december dec"),
)
MONTHS = {name: number for number, names in enumerate(NAMES, 1) for name in names.split()}
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
UNIT = r"(?:minutes?|hours?|days?|weeks?|weekends?|months?|quarters?|years?)"
NUMBER = r"(?:\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|few|couple of)"
ISO = r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b"
DAY_MONTH = (
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?(?P<month>{MONTH})\b\.?(?:,? (?P<year>\d{{4}})\b)?"
)
MONTH_DAY = rf"\b(?P<month2>{MONTH})\b\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year2>\d{{4}})\b)?"
NUMERIC = r"\b(?P<a>\d{1,2})(?P<sign>[./-])(?P<b>\d{1,2})(?P=sign)(?P<year3>\d{4}|\d{2})\b"
MONTH_YEAR = rf"\b(?:{MONTH}) \d{{4}}\b|\bQ[1-4](?: \d{{4}})?\b|\b(?<=in |by )(?:19|20)\d{{2}}\b"
CERTAIN_MONTH = "|".join(name for name in MONTH.split("|") if name != "may")
SEASON = "night|morning|evening|spring|summer|autumn|fall|winter"
RELATIVE = (
    r"\b(?:the day (?:before|after) )?(?:today|yesterday|tomorrow|tonight)\b"
    rf"|\b(?:last|next|this|coming|past) (?:{NUMBER} )?(?:{UNIT}|{DAYS}|{MONTH}|{SEASON})\b"
    rf"|\b{NUMBER} {UNIT} ago\b|\b(?:in|within) {NUMBER} {UNIT}\b"
    rf"|\b(?:end|beginning|start) of (?:the |this |next |last )?(?:{UNIT}|{MONTH})\b"
    rf"|\b{DAYS}(?: (?:morning|afternoon|evening|night))?\b"
    rf"|\b(?<=in |of |by )(?:{CERTAIN_MONTH})\b|\b(?<=since )(?:{MONTH})\b|\b(?<=until )(?:{MONTH})\b"
)
DATES = re.compile(f"{ISO}|{DAY_MONTH}|{MONTH_DAY}|{NUMERIC}|{MONTH_YEAR}|{RELATIVE}", re.IGNORECASE)
AMBIGUOUS_UP_TO = 12
"""A first number above it is a day, whatever the order."""


def dates(text: str, today: date | None = None) -> Iterator[tuple[int, int, str]]:
    """Start, end and value of each date: ISO 8601, or the phrase in lower case where that cannot be told.

    Without a day to count from, relative dates and those without a year stay as they are said.
    """
    for match in DATES.finditer(text):
        yield match.start(), match.end(), _value(match, today)


def _value(match: re.Match[str], today: date | None) -> str:
    said = match.group().lower()
    if today is not None and (found := _counted_from(match, said, today)):
        return found
    if match["month"] and match["year"]:
        return _iso(match["year"], MONTHS[match["month"].lower()], match["day"]) or said
    if match["month2"] and match["year2"]:
        return _iso(match["year2"], MONTHS[match["month2"].lower()], match["day2"]) or said
    if match["a"]:
        return _numeric(match) or said
    return match.group() if said[:1].isdigit() and "-" in said else said


def _counted_from(match: re.Match[str], said: str, today: date) -> str | None:
    """The value of a date that needs a day to count from."""
    if match["month"] and not match["year"]:
        return nearest_year(MONTHS[match["month"].lower()], int(match["day"]), today)
    if match["month2"] and not match["year2"]:
        return nearest_year(MONTHS[match["month2"].lower()], int(match["day2"]), today)
    return None if match["a"] else resolved(said, today)


def _numeric(match: re.Match[str]) -> str | None:
    """Day first with dots and where only that can be; month first with slashes, as in the United States."""
    a, b = int(match["a"]), int(match["b"])
    year = match["year3"] if len(match["year3"]) == len("2026") else f"20{match['year3']}"
    day_first = match["sign"] != "/" or a > AMBIGUOUS_UP_TO
    return _iso(year, b if day_first else a, str(a if day_first else b))


def _iso(year: str, month: int, day: str) -> str | None:
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return None
