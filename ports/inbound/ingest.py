"""Take articles into knowledge: cut into passages, embedded, stored; what has not changed is left alone."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.chunking import passages
from domain.retrieval.passages import Article, Passage
from ports.outbound.embedding import Embedder
from ports.outbound.knowledge import EDITED, NEVER, EmbeddedArticle, Known, changed_meanwhile
from ports.outbound.units import Begin, Unit

Progress = Callable[[int, int], None]
Also = Callable[[Unit], Awaitable[None]]
Vector = NDArray[np.float32]


class Ingest(Struct, frozen=True):
    """Take these articles.

    Of those stored before whose source begins with one of `within`, what is not among these is forgotten,
    except of `spared` sources, which could not be read this time. What people wrote here is left as it is
    unless `replaces` says which content it is to replace, None for none; what was removed comes `again`.
    """

    organization: OrganizationId
    articles: Sequence[Article]
    within: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    replaces: Mapping[ArticleId, ContentHash | None] | None = None
    again: bool = True


class Ingested(Struct, frozen=True):
    """How many articles were new, replaced, unchanged and forgotten, and how many passages were stored.

    `kept` are those that differ from what came in because people wrote or removed them here.
    """

    added: int
    replaced: int
    unchanged: int
    passages: int
    removed: int = 0
    kept: tuple[ArticleId, ...] = ()


async def _nothing(unit: Unit) -> None:
    """Do no more than store."""


def _kept(command: Ingest, known: Mapping[ArticleId, Known]) -> list[ArticleId]:
    """The articles that people wrote or removed here, which a bulk ingestion leaves as they are."""
    if command.replaces is not None:
        return []
    found = [(article, known.get(article.id)) for article in command.articles]
    return [
        article.id
        for article, one in found
        if one
        and (not command.again if one.content is None else one.edited and one.content != article.content_hash)
    ]


@dataclass(frozen=True, slots=True)
class IngestArticles:
    """Embed what is new outside any transaction, then store all in one commit."""

    begin: Begin
    embedder: Embedder

    async def __call__(
        self, command: Ingest, progress: Progress = lambda _done, _total: None, also: Also = _nothing
    ) -> Ingested:
        """`progress` hears passages done and passages in all; `also` is done in the transaction that stores.

        Raises `Unavailable`, `TransitionError` when an article changed meanwhile.
        """
        async with self.begin(command.organization) as unit:
            known = await unit.knowledge.known([article.id for article in command.articles])
            before = {article.id: known.get(article.id, NEVER).content for article in command.articles}
            for article, content in (command.replaces or {}).items():
                if before[article] != content:
                    raise changed_meanwhile(article)
            kept = _kept(command, known)
            changed = [
                (article, digest)
                for article in command.articles
                if before[article.id] != (digest := article.content_hash) and article.id not in kept
            ]
            vectors = await unit.knowledge.embedded([a.id for a, _ in changed if before[a.id]])
        embedded = await self._embedded(changed, vectors, progress)
        async with self.begin(command.organization) as unit:
            stays = {*before, *await unit.knowledge.of_sources([*command.spared, EDITED])}
            gone = [one for one in await unit.knowledge.of_sources(command.within) if one not in stays]
            await unit.knowledge.put(
                embedded, gone, {article.id: before[article.id] for article, _ in changed}
            )
            await also(unit)
            await unit.commit()
        replaced = sum(before[article.id] is not None for article, _ in changed)
        return Ingested(
            len(changed) - replaced,
            replaced,
            len(command.articles) - len(changed) - len(kept),
            sum(len(one.passages) for one in embedded),
            len(gone),
            tuple(kept),
        )

    async def _embedded(
        self,
        articles: Sequence[tuple[Article, ContentHash]],
        kept: Mapping[ContentHash, Vector],
        progress: Progress,
    ) -> list[EmbeddedArticle]:
        """Cut and embed; passages whose text is what it was keep their vectors."""
        cut = [passages(article) for article, _ in articles]
        digests = [[self._digest(passage) for passage in found] for found in cut]
        new = {
            digest: passage.indexed
            for found, hashes in zip(cut, digests, strict=True)
            for passage, digest in zip(found, hashes, strict=True)
            if digest not in kept
        }
        vectors = await self.embedder.embed_all(list(new.values()), lambda done: progress(done, len(new)))
        by_digest = {**kept, **dict(zip(new, vectors, strict=True))}
        return [
            EmbeddedArticle(
                article, content, found, np.array([by_digest[one] for one in hashes]), tuple(hashes)
            )
            for (article, content), found, hashes in zip(articles, cut, digests, strict=True)
        ]

    def _digest(self, passage: Passage) -> ContentHash:
        return ContentHash(
            hashlib.sha256(f"{self.embedder.model}\n{passage.indexed}".encode()).hexdigest()[:32]
        )
