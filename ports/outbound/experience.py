"""What became of the answers that were given, for those who look after the knowledge."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.ids import ArticleId, ConversationId, OrganizationId
from domain.retrieval.gaps import Unanswered
from domain.retrieval.impact import PastAnswer
from domain.retrieval.quality import Standing


class Solved(Struct, frozen=True):
    """A conversation that people resolved: what the customer asked first, and what people answered."""

    conversation: ConversationId
    asked: str
    answered: tuple[str, ...]


class Experience(Protocol):
    """Read from past turns; nothing is written. Raises `Unavailable`."""

    @abstractmethod
    async def cited(
        self, organization: OrganizationId, article: ArticleId, limit: int
    ) -> Sequence[PastAnswer]:
        """The newest answers that cite an article."""

    @abstractmethod
    async def standings(
        self, organization: OrganizationId, since: datetime, now: datetime
    ) -> Mapping[ArticleId, Standing]:
        """Every article with what became of its answers since a time; contradictions are not counted here."""

    @abstractmethod
    async def unanswered(
        self, organization: OrganizationId, since: datetime, limit: int
    ) -> Sequence[Unanswered]:
        """Questions since a time that found nothing, the newest first."""

    @abstractmethod
    async def solved(self, organization: OrganizationId, since: datetime, limit: int) -> Sequence[Solved]:
        """Conversations that people resolved since a time, the newest first."""
