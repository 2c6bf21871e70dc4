"""Articles and passages in PostgreSQL, and the searchable snapshots made from them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres.engine import driver
from adapters.postgres.tables import knowledge_entries, organizations, passages
from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.passages import Passage
from ports.outbound.knowledge import EmbeddedArticle, Index, Knowledge

INSERT_PASSAGE = text(
    "INSERT INTO ai.passages (organization_id, article_id, number, heading, body, embedding)"
    " VALUES (:organization, :article, :number, :heading, :body, CAST(CAST(:embedding AS text) AS vector))"
)
LOAD = """
SELECT p.article_id, p.number, k.title, p.heading, p.body, k.category, k.product, k.api_versions,
    k.error_codes, vector_send(p.embedding) AS embedding
FROM ai.passages p
JOIN ai.knowledge_entries k ON k.organization_id = p.organization_id AND k.id = p.article_id
WHERE p.organization_id = $1
ORDER BY p.article_id, p.number
"""
TENANT = "SELECT set_config('app.current_org_id', $1, true)"
VECTOR_HEADER = 4
"""Bytes before the big-endian floats in pgvector's binary form (dimensions and a spare field)."""


class PostgresKnowledge(Knowledge):
    """The articles of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def hashes(self) -> Mapping[ArticleId, ContentHash]:
        query = select(knowledge_entries.c.id, knowledge_entries.c.content_hash).where(
            knowledge_entries.c.organization_id == self._organization
        )
        rows = await self._connection.execute(query)
        return {ArticleId(row[0]): ContentHash(row[1]) for row in rows}

    async def put(self, articles: Sequence[EmbeddedArticle]) -> None:
        if not articles:
            return
        await self._upsert(articles)
        ids = [embedded.article.id for embedded in articles]
        await self._connection.execute(
            delete(passages).where(
                passages.c.organization_id == self._organization, passages.c.article_id.in_(ids)
            )
        )
        rows = [self._row(p, v) for e in articles for p, v in zip(e.passages, e.vectors, strict=True)]
        if rows:
            await self._connection.execute(INSERT_PASSAGE, rows)
        await self._move_on()

    async def of_sources(self, prefixes: Sequence[str]) -> Sequence[ArticleId]:
        if not prefixes:
            return []
        source = func.unnest(knowledge_entries.c.sources).column_valued("source")
        begins = or_(*(source.startswith(prefix, autoescape=True) for prefix in prefixes))
        query = select(knowledge_entries.c.id.distinct()).where(
            knowledge_entries.c.organization_id == self._organization, exists(select(source).where(begins))
        )
        return [ArticleId(row[0]) for row in await self._connection.execute(query)]

    async def remove(self, articles: Sequence[ArticleId]) -> None:
        if not articles:
            return
        await self._connection.execute(
            delete(knowledge_entries).where(
                knowledge_entries.c.organization_id == self._organization,
                knowledge_entries.c.id.in_(articles),
            )
        )
        await self._move_on()

    async def _move_on(self) -> None:
        await self._connection.execute(
            update(organizations)
            .where(organizations.c.id == self._organization)
            .values(knowledge_version=organizations.c.knowledge_version + 1)
        )

    async def _upsert(self, articles: Sequence[EmbeddedArticle]) -> None:
        statement = insert(knowledge_entries)
        replaced = {
            name: getattr(statement.excluded, name)
            for name in knowledge_entries.c.keys()  # noqa: SIM118  # a column collection iterates columns
            if name not in {"organization_id", "id"}
        }
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["organization_id", "id"], set_=replaced),
            [
                {
                    "organization_id": self._organization,
                    "id": e.article.id,
                    "category": e.article.category,
                    "product": e.article.product,
                    "title": e.article.title,
                    "content": e.article.body,
                    "api_versions": e.article.api_versions,
                    "error_codes": list(e.article.error_codes),
                    "sources": list(e.article.sources),
                    "content_hash": e.content,
                }
                for e in articles
            ],
        )

    def _row(self, passage: Passage, vector: NDArray[np.float32]) -> dict[str, object]:
        return {
            "organization": self._organization,
            "article": passage.article,
            "number": passage.number,
            "heading": passage.heading,
            "body": passage.body,
            "embedding": "[" + ",".join(f"{x:.7g}" for x in vector.tolist()) + "]",
        }


class PostgresIndex(Index):
    """Snapshots by tenant. A newer version is built in a thread while the older one goes on answering."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._built: dict[OrganizationId, tuple[int, HybridIndex]] = {}
        self._building: dict[OrganizationId, asyncio.Task[HybridIndex]] = {}

    async def snapshot(self, organization: OrganizationId, version: int) -> HybridIndex:
        built = self._built.get(organization)
        if built is not None and built[0] >= version:
            return built[1]
        task = self._building.get(organization)
        if task is None:
            task = asyncio.create_task(self._build(organization, version))
            self._building[organization] = task
            task.add_done_callback(lambda _: self._building.pop(organization, None))
        return built[1] if built is not None else await asyncio.shield(task)

    async def _build(self, organization: OrganizationId, version: int) -> HybridIndex:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            rows = await connection.fetch(LOAD, organization)
        index = await asyncio.to_thread(_index, [dict(row) for row in rows])
        self._built[organization] = (version, index)
        return index


def _index(rows: Sequence[Mapping[str, Any]]) -> HybridIndex:
    """Build a snapshot from rows of `LOAD`."""
    found = [
        Passage(
            row["article_id"],
            row["number"],
            row["title"],
            row["heading"],
            row["body"],
            row["category"],
            row["product"],
            row["api_versions"],
            tuple(row["error_codes"]),
        )
        for row in rows
    ]
    vectors = [np.frombuffer(row["embedding"], ">f4", offset=VECTOR_HEADER) for row in rows]
    return HybridIndex(found, np.array(vectors, np.float32) if vectors else np.empty((0, 1), np.float32))
