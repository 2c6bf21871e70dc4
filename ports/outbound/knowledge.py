"""Where articles live, and the searchable index made of their passages."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.errors import TransitionError
from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.hybrid import Query
from domain.retrieval.passages import Article, Hit, Passage
from domain.retrieval.quality import Standing
from domain.retrieval.scope import Scope

Vectors = NDArray[np.float32]


class EmbeddedArticle(Struct, frozen=True):
    """An article with its passages, their unit vectors (n, d) and the hashes of what was embedded.

    `content` is the hash of the article.
    """

    article: Article
    content: ContentHash
    passages: tuple[Passage, ...]
    vectors: Vectors
    digests: tuple[ContentHash, ...]


class Known(Struct, frozen=True):
    """What is stored of an article: its content, None once it was removed; whether a person wrote it here."""

    content: ContentHash | None
    edited: bool = False


NEVER = Known(None)
EDITED = "edited-by"
"""How the source of an article begins that a person wrote here."""


def changed_meanwhile(article: ArticleId) -> TransitionError:
    """What somebody is told who decided on an article's older content."""
    said = f"The article {article} changed meanwhile, or is there already; read it again."
    return TransitionError("article_changed", said)


class Knowledge(Protocol):
    """The articles of one tenant, inside a unit of work."""

    @abstractmethod
    async def known(self, articles: Sequence[ArticleId]) -> Mapping[ArticleId, Known]:
        """Those of these articles that are stored, or were."""

    @abstractmethod
    async def embedded(self, articles: Sequence[ArticleId]) -> Mapping[ContentHash, NDArray[np.float32]]:
        """The vectors of these articles' passages by the hash of what was embedded."""

    @abstractmethod
    async def put(
        self,
        articles: Sequence[EmbeddedArticle],
        gone: Sequence[ArticleId] = (),
        before: Mapping[ArticleId, ContentHash | None] = MappingProxyType({}),
    ) -> None:
        """Insert or replace articles with their passages, forget others; moves the knowledge version on.

        `before` are contents that articles had when somebody decided this, None where there was none.
        Raises `TransitionError` if one has another by now.
        """

    @abstractmethod
    async def of_sources(self, prefixes: Sequence[str]) -> Sequence[ArticleId]:
        """The articles of which a source begins with one of these."""


class Kept(Struct, frozen=True):
    """A stored article with the hash of its content, when it was changed, and what became of its answers.

    `trust` in 0..1; the counts are of the newest review.
    """

    article: Article
    content: ContentHash
    updated_at: datetime
    trust: float
    used: int
    helped: int
    failed: int


class Shelf(Protocol):
    """The articles of one tenant one by one, inside a unit of work, for those who look after them."""

    @abstractmethod
    async def get(self, article: ArticleId) -> Kept:
        """One article. Raises `NotFoundError`."""

    @abstractmethod
    async def page(self, words: str, after: ArticleId | None, limit: int) -> Sequence[Kept]:
        """Articles by id, of whose titles or texts all words are part; bodies are left empty."""

    @abstractmethod
    async def rate(self, found: Mapping[ArticleId, tuple[float, Standing]]) -> None:
        """Store the trust in articles and what it rests on; their content stays as it is."""

    @abstractmethod
    async def version(self) -> int:
        """The version of the tenant's knowledge."""


class Changes(Struct, frozen=True):
    """What happened to a tenant's passages up to `version`.

    `gone` are the articles whose older passages are out; `passages` with their unit vectors (n, d) are in.
    """

    version: int
    gone: tuple[ArticleId, ...]
    passages: tuple[Passage, ...]
    vectors: Vectors


class PassageLog(Protocol):
    """The passages of every tenant, by what changed; what indexes are made of."""

    @abstractmethod
    async def since(self, organization: OrganizationId, version: int) -> Changes:
        """What changed after a version; everything after 0. Raises `Unavailable`."""


class Snapshots(Protocol):
    """Stored indexes, one a tenant."""

    @abstractmethod
    async def described(self, organization: OrganizationId, form: int) -> tuple[int, int] | None:
        """The version and the size in bytes of the stored index of a format, if there is one."""

    @abstractmethod
    async def read(self, organization: OrganizationId, form: int) -> tuple[int, bytes] | None:
        """The version and the bytes of the stored index of a format, if there is one."""

    @abstractmethod
    async def write(self, organization: OrganizationId, form: int, version: int, data: bytes) -> None:
        """Store an index in place of an older one."""


Refresh = Callable[[OrganizationId], Awaitable[bool]]
"""Brings what is stored of a tenant's index up to date; whether there was anything to do."""


class Index(Protocol):
    """Searches a tenant's knowledge."""

    @abstractmethod
    async def search(
        self, organization: OrganizationId, version: int, queries: Sequence[Query], scope: Scope, count: int
    ) -> Sequence[tuple[Hit, ...]]:
        """The best passages for each query, best first, with the opening of the best one's article.

        What changed is waited for; only if taking it in lasts longer than seconds the older index answers.
        Raises `Unavailable`.
        """
