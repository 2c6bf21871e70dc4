"""Who is calling: principals, and the API keys they present."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.ids import OrganizationId, UserId

SCOPES = (
    *("chat", "agent", "rules:read", "rules:write", "rules:approve"),
    *("knowledge:read", "knowledge:write", "admin"),
)
"""chat: talk, as one user. agent: see and handle every conversation. rules: read, draft and approve rules.
knowledge: read and search it, edit articles and decide proposals, train intents. admin: everything."""


class Principal(Struct, frozen=True):
    """An authenticated caller. `user` None means a system that speaks for any user of the tenant.

    `groups` name the restricted knowledge that a customer may read.
    """

    id: str
    organization: OrganizationId
    user: UserId | None
    scopes: frozenset[str]
    groups: tuple[str, ...] = ()

    @property
    def may_see_all(self) -> bool:
        """Whether every conversation of the tenant is visible: to systems, agents and administrators."""
        return self.user is None or bool(self.scopes & {"agent", "admin"})

    def may_see(self, owner: UserId) -> bool:
        """Whether a conversation of `owner` is visible."""
        return self.may_see_all or self.user == owner


class ApiKeys(Protocol):
    """API keys, stored as hashes only."""

    @abstractmethod
    async def verify(self, key: str) -> Principal | None:
        """The principal of a key; None when it is unknown, expired or revoked. At most 5 s out of date."""

    @abstractmethod
    async def issue(
        self, organization: OrganizationId, name: str, scopes: frozenset[str], at: datetime
    ) -> str:
        """Make a key and return it in clear, the only time that it can be read."""
