"""Requests that may be repeated: the first answer is kept and replayed."""

from abc import abstractmethod
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from domain.ids import OrganizationId


class Replay(Struct, frozen=True):
    """The answer to the first request."""

    status: int
    body: bytes


class Mismatch(Struct, frozen=True):
    """The key was used with another request."""


class InFlight(Struct, frozen=True):
    """The first request has not been answered yet."""


class Claimed(Struct, frozen=True):
    """The request is ours to answer."""


Claim = Claimed | Replay | Mismatch | InFlight


class Idempotency(Protocol):
    """Keys with the fingerprint of their request and its answer, kept for at least 24 hours."""

    @abstractmethod
    async def claim(
        self, organization: OrganizationId, key: str, fingerprint: bytes, lease: timedelta
    ) -> Claim:
        """Take a key for `lease`; a claim whose lease ran out without an answer may be taken again."""

    @abstractmethod
    async def keep(self, organization: OrganizationId, key: str, answer: Replay) -> None:
        """Store the answer to replay."""

    @abstractmethod
    async def release(self, organization: OrganizationId, key: str) -> None:
        """Give a claim up, after a failure that may be tried again."""
