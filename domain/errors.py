"""Requests that make no sense now. Each carries a stable code; nothing here knows HTTP."""

from collections.abc import Mapping


class DomainError(Exception):
    """The request cannot be done as asked.

    `code` is stable and meant for programs, the message says what is wrong and the mend,
    `details` holds the values the message speaks of.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = dict(details or {})


class NotFoundError(DomainError):
    """The thing does not exist, or belongs to somebody else: the two look the same on purpose."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}_not_found", f"There is no such {what}.")


class TransitionError(DomainError):
    """The conversation is in a state that does not allow this."""


class ContentError(DomainError):
    """What was sent cannot be taken as it is."""


class ForbiddenError(DomainError):
    """The caller is known, and may not do this."""


class DataFileError(DomainError):
    """A data file (article, rule, intent, text) is not right; the message names file, line and mend."""
