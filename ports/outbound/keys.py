"""Who is calling: principals, and the API keys they present."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.ids import OrganizationId, UserId

SCOPES = ("chat", "agent", "admin")
"""chat: talk, as one user. agent: see and handle every conversation. admin: knowledge and rules too."""


class Principal(Struct, frozen=True):
    """An authenticated caller. `user` None means a system that speaks for any user of the tenant."""

    id: str
    organization: OrganizationId
    user: UserId | None
    scopes: frozenset[str]

    def may_see(self, owner: UserId) -> bool:
        """Customers see what is theirs; agents and administrators see the tenant's."""
        return self.user is None or self.user == owner or bool(self.scopes & {"agent", "admin"})


class ApiKeys(Protocol):
    """API keys, stored as hashes only."""

    @abstractmethod
    async def verify(self, key: str) -> Principal | None:
        """The principal of a key; None when it is unknown, expired or revoked. At most 5 s out of date."""

    @abstractmethod
    async def issue(self, organization: OrganizationId, name: str, scopes: frozenset[str], at: datetime) -> str:
        """Make a key and return it in clear, the only time that it can be read."""
