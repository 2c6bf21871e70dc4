"""Which passages a search may find: whom they are for, when they hold, and what is asked about."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.versions import valid_for

EVERYONE, STAFF = "everyone", "staff"
AUDIENCES = (EVERYONE, STAFF)
KEPT = 64
"""Scopes whose masks are remembered."""


class Reach(Struct, frozen=True):
    """Whom and when a document is for.

    `version` is the document's own; `language` an ISO 639-1 code; `audience` 'everyone' or 'staff'; `groups`
    may read it, none means all; the dates are inclusive.
    """

    version: str = ""
    language: str = "en"
    audience: str = EVERYONE
    groups: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None


class Scope(Struct, frozen=True):
    """Who searches, on which day, and what for; None and empty ask for nothing in particular."""

    day: date
    groups: frozenset[str] = frozenset()
    staff: bool = False
    api_version: int | None = None
    product: str | None = None
    language: str | None = None

    def admits(self, reach: Reach, product: str, api_versions: str) -> bool:
        """Whether a document may be found."""
        allowed = self.staff or reach.audience != STAFF
        if not allowed or (reach.groups and self.groups.isdisjoint(reach.groups)):
            return False
        if not (reach.valid_from or self.day) <= self.day <= (reach.valid_until or self.day):
            return False
        if self.api_version is not None and self.api_version not in valid_for(api_versions):
            return False
        spoken = self.language is None or reach.language == self.language
        return spoken and (self.product is None or product.casefold() == self.product.casefold())


Labels = tuple[Reach, str, str]
"""Reach, product and API versions: what a scope looks at."""


class Reaches:
    """The labels of all passages, each distinct one looked at once a scope."""

    def __init__(self, labels: Sequence[Labels]) -> None:
        self._distinct: dict[Labels, int] = {}
        codes = (self._distinct.setdefault(one, len(self._distinct)) for one in labels)
        self._codes = np.fromiter(codes, np.int32, len(labels))
        self._kept: dict[Scope, NDArray[np.bool_] | None] = {}

    def mask(self, scope: Scope) -> NDArray[np.bool_] | None:
        """Which passages the scope admits, shape (n,); None for all of them."""
        if scope not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            admitted = np.array([scope.admits(*one) for one in self._distinct], bool)
            self._kept[scope] = None if admitted.all() else admitted[self._codes]
        return self._kept[scope]
