"""Salesforce API versions and releases: three a year, each with its own number.

Winter '24 is API version 59.0, Spring '24 is 60.0, Summer '24 is 61.0, Winter '25 is 62.0 (Salesforce release
notes).
"""

import re
from functools import lru_cache

from msgspec import Struct

from domain.errors import DataFileError

EVERY = "all"
OLDEST, NEWEST = 1, 200
SEASONS = {"winter": -1, "spring": 0, "summer": 1}
SPRING_24 = 60
_RELEASE = r"(?P<season>winter|spring|summer)\s*(?:'|\u2019|20)?(?P<year>[0-4]\d)\b"
RELEASE = re.compile(rf"\b{_RELEASE}", re.IGNORECASE)
NUMBERED = re.compile(
    r"\bapi(?:[ -]?(?:version|v))?[ :=\"'>]*v?(?P<number>\d{2})(?:\.0)?\b(?![.\d])"
    r"|\b(?:version|v|ver\.?) ?(?P<bare>\d{2})\.0\b(?![.\d])",
    re.IGNORECASE,
)
"""'API v58', 'apiVersion 58.0', 'version 58.0'; a version without '.0' may be anybody's."""
ONE = rf"(?:v?(?P<number>\d{{1,3}})(?:\.0)?|{_RELEASE})"
SPAN = re.compile(rf"\s*(?P<bound><=|>=)?\s*{ONE}\s*(?P<on>\+)?\s*", re.IGNORECASE)
LIKELY = range(20, 100)
"""Numbers that are taken for an API version in a message."""


class Versions(Struct, frozen=True):
    """The API versions that a document is valid for, as inclusive spans; no spans: all of them."""

    spans: tuple[tuple[int, int], ...] = ()

    def __contains__(self, version: int) -> bool:
        """Whether a version is one of them."""
        return not self.spans or any(low <= version <= high for low, high in self.spans)

    def meet(self, other: "Versions") -> bool:
        """Whether some version is one of both."""
        spans = ((a, b) for a in self.spans for b in other.spans)
        return not self.spans or not other.spans or any(max(a[0], b[0]) <= min(a[1], b[1]) for a, b in spans)


@lru_cache(maxsize=2_000)
def parse_versions(text: str) -> Versions:
    """'all', or a list of '58', '50-58', '60+', '>=60', '<=57', 'Summer '24' and 'Spring '24+'.

    Raises `DataFileError` for anything else.
    """
    if text.strip().lower() in {EVERY, ""}:
        return Versions()
    return Versions(tuple(_span(part) for part in text.split(",")))


@lru_cache(maxsize=2_000)
def valid_for(text: str) -> Versions:
    """As `parse_versions`; what says nothing that we know is valid for all."""
    try:
        return parse_versions(text)
    except DataFileError:
        return Versions()


def release_of(text: str) -> int | None:
    """The API version of the first release that a text names: Spring '24, Summer 2025."""
    match = RELEASE.search(text)
    return _number(match) if match else None


def named(text: str) -> int | None:
    """The API version that a message asks about, by number or by release; None when it names none."""
    match = NUMBERED.search(text)
    if match and int(match["number"] or match["bare"]) in LIKELY:
        return int(match["number"] or match["bare"])
    return release_of(text)


def release_name(version: int) -> str:
    """'API version 60.0 (Spring '24)'."""
    year, place = divmod(version - SPRING_24 + 1, 3)
    season = ("Winter", "Spring", "Summer")[place]
    return f"API version {version}.0 ({season} '{24 + year:02d})"


def _span(part: str) -> tuple[int, int]:
    low, dash, high = part.partition("-")
    first = SPAN.fullmatch(low)
    last = SPAN.fullmatch(high) if dash else first
    if first is None or last is None:
        raise DataFileError(
            "bad_versions",
            f"'{part.strip()}' names no API versions; write all, 58, 50-58, 60+, <=57 or Summer '24.",
        )
    start, end = _number(first), _number(last)
    if first["bound"] == "<=":
        return OLDEST, end
    return start, NEWEST if last["on"] or first["bound"] else end


def _number(match: re.Match[str]) -> int:
    groups = match.groupdict()
    if groups.get("number"):
        return int(match["number"])
    return SPRING_24 + 3 * (int(match["year"]) - 24) + SEASONS[match["season"].lower()]
