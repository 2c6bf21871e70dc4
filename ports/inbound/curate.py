"""Looking after articles: reading, editing with the consequences in view, removing, searching."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.chunking import passages
from domain.retrieval.contradiction import contradictions
from domain.retrieval.doubts import flags
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.impact import Impact, Moved, PastAnswer, lost
from domain.retrieval.passages import Article, Hit, Passage, checked_article
from domain.retrieval.scope import Scope
from ports.inbound.approval import Who
from ports.inbound.ingest import Ingest, IngestArticles
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock
from ports.outbound.embedding import Embedder
from ports.outbound.experience import Experience
from ports.outbound.knowledge import EDITED, Index, Kept, PassageLog, Vectors
from ports.outbound.units import Begin

LOOKED_AT = 1_000
"""Past answers that the impact of an edit is told for, the newest first."""
NEIGHBOURS = 5
"""Passages of others that an edited one is compared with."""


class Edit(Struct, frozen=True):
    """Store an article in place of the one with the content `replaces`; None: there is none yet."""

    who: Who
    article: Article
    replaces: ContentHash | None


class Search(Struct, frozen=True):
    """What a customer would find; `scope` says whom to search as."""

    organization: OrganizationId
    question: str
    scope: Scope
    count: int


@dataclass(frozen=True, slots=True)
class CurateArticles:
    """Articles one by one."""

    begin: Begin
    ingest: IngestArticles
    index: Index
    log: PassageLog
    experience: Experience
    embedder: Embedder
    clock: Clock

    async def get(self, organization: OrganizationId, article: ArticleId) -> Kept:
        """One article with its standing. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            return await unit.shelf.get(article)

    async def page(
        self, organization: OrganizationId, words: str, after: ArticleId | None, limit: int
    ) -> Sequence[Kept]:
        """Articles by id, without their texts."""
        async with self.begin(organization) as unit:
            return await unit.shelf.page(words, after, limit)

    async def edit(self, command: Edit) -> Kept:
        """Store and audit.

        Raises `DataFileError` for a bad article, `TransitionError` if it changed meanwhile.
        """
        organization, article = command.who.organization, checked_article(command.article)
        source = f"{EDITED}/{command.who.actor}"
        article = replace(
            article, flags=flags(article.body), sources=tuple(dict.fromkeys([*article.sources, source]))
        )
        details = {"content": article.content_hash}
        entry = Entry(self.clock.now(), command.who.actor, "knowledge.edit", article.id, details)
        replaces = {article.id: command.replaces}
        await self.ingest(
            Ingest(organization, [article], replaces=replaces), also=lambda unit: unit.audit.note(entry)
        )
        return await self.get(organization, article.id)

    async def remove(self, who: Who, article: ArticleId) -> None:
        """Forget an article. Raises `NotFoundError`."""
        async with self.begin(who.organization) as unit:
            kept = await unit.shelf.get(article)
            await unit.knowledge.put([], [article])
            await unit.audit.note(
                Entry(self.clock.now(), who.actor, "knowledge.remove", article, {"content": kept.content})
            )
            await unit.commit()

    async def search(self, command: Search) -> tuple[Hit, ...]:
        """The best passages with their figures."""
        organization = command.organization
        query = Query(command.question, await self.embedder.embed(command.question))
        changes = await self._version(organization)
        [hits] = await self.index.search(organization, changes, [query], command.scope, command.count)
        return hits

    async def impact(self, organization: OrganizationId, article: Article) -> Impact:
        """What an edit would do to past answers; nothing is stored. Raises `DataFileError`."""
        checked_article(article)
        answers = await self.experience.cited(organization, article.id, LOOKED_AT)
        found = passages(article)
        vectors = await self.embedder.embed_all([passage.indexed for passage in found])
        questions = [Query(one.question, await self.embedder.embed(one.question)) for one in answers]
        held = await self.log.since(organization, 0)
        return await asyncio.to_thread(
            _impact, article.id, answers, questions, HybridIndex(held.passages, held.vectors), found, vectors
        )

    async def _version(self, organization: OrganizationId) -> int:
        async with self.begin(organization) as unit:
            return await unit.shelf.version()


def _impact(
    article: ArticleId,
    answers: Sequence[PastAnswer],
    questions: Sequence[Query],
    before: HybridIndex,
    found: Sequence[Passage],
    vectors: Vectors,
) -> Impact:
    after = before.changed([article], found, vectors)
    moved = []
    for answer, query in zip(answers, questions, strict=True):
        old, new = _first(before, query), _first(after, query)
        if old != new:
            moved.append(Moved(answer.message, answer.question, old, new))
    near = {
        place
        for passage, vector in zip(found, vectors, strict=True)
        for place in after.by_both(Query(passage.indexed, vector), NEIGHBOURS + len(found)).tolist()
    }
    others = [after.passages[place] for place in sorted(near) if after.passages[place].article != article]
    return Impact(
        len(answers),
        tuple(lost(answers, article, found)),
        tuple(moved),
        tuple(contradictions(found, others)),
    )


def _first(index: HybridIndex, query: Query) -> str:
    """The article that a question is answered from; empty without one."""
    places = index.by_both(query, 1).tolist()
    return str(index.passages[places[0]].article) if places else ""
