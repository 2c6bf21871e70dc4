"""Where rule sets live: immutable versions by content hash, one of them active."""

from abc import abstractmethod
from typing import Protocol

from domain.ids import ContentHash, OrganizationId
from domain.rules.ruleset import RuleSet


class RuleSets(Protocol):
    """The rule sets of one tenant, inside a unit of work."""

    @abstractmethod
    async def publish(self, ruleset: RuleSet, source: bytes, author: str) -> None:
        """Store this version, if it is new, and make it the active one."""

    @abstractmethod
    async def active(self) -> ContentHash | None:
        """The active version, if there is one."""

    @abstractmethod
    async def source(self, version: ContentHash) -> bytes:
        """The JSON of a version. Raises `NotFoundError`."""


class ActiveRules(Protocol):
    """Compiled rule sets, ready for a turn."""

    @abstractmethod
    async def at(self, organization: OrganizationId, version: ContentHash | None) -> RuleSet:
        """The compiled version; an empty rule set for None. Compiled once a version. Raises `Unavailable`."""
