"""Take articles into knowledge: cut into passages, embedded, stored; what has not changed is left alone."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.ids import ContentHash, OrganizationId
from domain.retrieval.chunking import passages
from domain.retrieval.passages import Article, Passage
from ports.outbound.embedding import Embedder
from ports.outbound.knowledge import EmbeddedArticle
from ports.outbound.units import Begin

Progress = Callable[[int, int], None]
Vector = NDArray[np.float32]


class Ingest(Struct, frozen=True):
    """Take these articles.

    Of those stored before whose source begins with one of `within`, what is not among these is forgotten,
    except of `spared` sources, which could not be read this time.
    """

    organization: OrganizationId
    articles: Sequence[Article]
    within: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


class Ingested(Struct, frozen=True):
    """How many articles were new, replaced, unchanged and forgotten, and how many passages were stored."""

    added: int
    replaced: int
    unchanged: int
    passages: int
    removed: int = 0


@dataclass(frozen=True, slots=True)
class IngestArticles:
    """Embed what is new outside any transaction, then store all in one commit."""

    begin: Begin
    embedder: Embedder

    async def __call__(self, command: Ingest, progress: Progress = lambda _done, _total: None) -> Ingested:
        """`progress` hears passages done and passages in all. Raises `Unavailable`."""
        async with self.begin(command.organization) as unit:
            known = await unit.knowledge.hashes()
            hashed = [(article, article.content_hash) for article in command.articles]
            changed = [(article, digest) for article, digest in hashed if known.get(article.id) != digest]
            kept = await unit.knowledge.embedded([a.id for a, _ in changed if a.id in known])
        embedded = await self._embedded(changed, kept, progress)
        async with self.begin(command.organization) as unit:
            stays = {article.id for article in command.articles}
            stays |= set(await unit.knowledge.of_sources(command.spared))
            gone = [one for one in await unit.knowledge.of_sources(command.within) if one not in stays]
            await unit.knowledge.put(embedded, gone)
            await unit.commit()
        replaced = sum(article.id in known for article, _ in changed)
        return Ingested(
            len(changed) - replaced,
            replaced,
            len(command.articles) - len(changed),
            sum(len(one.passages) for one in embedded),
            len(gone),
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
            digest: passage.text
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
        return ContentHash(hashlib.sha256(f"{self.embedder.model}\n{passage.text}".encode()).hexdigest()[:32])
