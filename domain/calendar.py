"""When a tenant's support is open."""

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from domain.errors import DataFileError

DAYS = 7


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """Opening hours by weekday, Monday first, in a time zone of the IANA database; None is closed."""

    zone: str
    opens: tuple[tuple[dt.time, dt.time] | None, ...]

    def __post_init__(self) -> None:
        """Raise `DataFileError` for an unknown zone, and unless there are seven days."""
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise DataFileError(
                "bad_zone", f"'{self.zone}' is no time zone, as 'Europe/Berlin' is."
            ) from error
        if len(self.opens) != DAYS:
            raise DataFileError("bad_calendar", f"A calendar has {DAYS} days, Monday first.")

    def local(self, at: dt.datetime) -> dt.datetime:
        """The same moment in the calendar's zone."""
        return at.astimezone(ZoneInfo(self.zone))

    def is_open(self, at: dt.datetime) -> bool:
        """Whether support is open at a moment; the closing minute is closed."""
        here = self.local(at)
        hours = self.opens[here.weekday()]
        return hours is not None and hours[0] <= here.time() < hours[1]
