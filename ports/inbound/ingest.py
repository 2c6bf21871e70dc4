"""Take articles into knowledge: cut into passages, embedded, stored; what has not changed is left alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from domain.ids import ContentHash, OrganizationId
from domain.retrieval.chunking import passages
from domain.retrieval.passages import Article
from ports.outbound.embedding import Embedder
from ports.outbound.knowledge import EmbeddedArticle
from ports.outbound.units import Begin

Progress = Callable[[int, int], None]


class Ingest(Struct, frozen=True):
    """Take these articles, each with the hash of its content.

    Of those stored before whose source begins with one of `within`, what is not among these is forgotten,
    except of `spared` sources, which could not be read this time.
    """

    organization: OrganizationId
    articles: Sequence[tuple[Article, ContentHash]]
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
    """Embed outside any transaction, then store all in one commit."""

    begin: Begin
    embedder: Embedder

    async def __call__(self, command: Ingest, progress: Progress = lambda _done, _total: None) -> Ingested:
        """`progress` hears passages done and passages in all. Raises `Unavailable`."""
        async with self.begin(command.organization) as unit:
            known = await unit.knowledge.hashes()
        changed = [
            (article, digest) for article, digest in command.articles if known.get(article.id) != digest
        ]
        cut = [passages(article) for article, _ in changed]
        total = sum(map(len, cut))
        texts = [passage.text for found in cut for passage in found]
        vectors = await self.embedder.embed_all(texts, lambda done: progress(done, total))
        embedded, at = [], 0
        for (article, digest), found in zip(changed, cut, strict=True):
            embedded.append(EmbeddedArticle(article, digest, found, vectors[at : at + len(found)]))
            at += len(found)
        async with self.begin(command.organization) as unit:
            await unit.knowledge.put(embedded)
            kept = {article.id for article, _ in command.articles}
            kept |= set(await unit.knowledge.of_sources(command.spared))
            gone = [one for one in await unit.knowledge.of_sources(command.within) if one not in kept]
            await unit.knowledge.remove(gone)
            await unit.commit()
        replaced = sum(article.id in known for article, _ in changed)
        return Ingested(
            len(changed) - replaced, replaced, len(command.articles) - len(changed), total, len(gone)
        )
