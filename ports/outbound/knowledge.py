"""Where articles live, and the searchable snapshot made from them."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.passages import Article, Passage


class EmbeddedArticle(Struct, frozen=True):
    """An article with its passages and their unit vectors (n, d). `content` is the hash of its text."""

    article: Article
    content: ContentHash
    passages: tuple[Passage, ...]
    vectors: NDArray[np.float32]


class Knowledge(Protocol):
    """The articles of one tenant, inside a unit of work."""

    @abstractmethod
    async def hashes(self) -> Mapping[ArticleId, ContentHash]:
        """The content hash of every stored article."""

    @abstractmethod
    async def put(self, articles: Sequence[EmbeddedArticle]) -> None:
        """Insert or replace articles with their passages, and move the tenant's knowledge version on."""

    @abstractmethod
    async def of_sources(self, prefixes: Sequence[str]) -> Sequence[ArticleId]:
        """The articles of which a source begins with one of these."""

    @abstractmethod
    async def remove(self, articles: Sequence[ArticleId]) -> None:
        """Forget articles with their passages, and move the knowledge version on if there were any."""


class Index(Protocol):
    """The searchable snapshot of a tenant's knowledge."""

    @abstractmethod
    async def snapshot(self, organization: OrganizationId, version: int) -> HybridIndex:
        """The index at `version`; the first call for a version loads and builds it off the event loop.

        While a newer version is being built the older one is returned. Raises `Unavailable`.
        """
