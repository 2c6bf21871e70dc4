"""Articles and passages in PostgreSQL, what changed in them, and stored indexes."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, any_, delete, exists, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres.engine import driver
from adapters.postgres.rows import reach_of
from adapters.postgres.tables import knowledge_entries, organizations, passages, removed_articles
from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.passages import Passage
from ports.outbound.knowledge import (
    EDITED,
    NEVER,
    Changes,
    EmbeddedArticle,
    Knowledge,
    Known,
    PassageLog,
    Snapshots,
    changed_meanwhile,
)

DIMENSIONS = 384
"""Of the column `embedding`."""
INSERT_PASSAGE = text(
    "INSERT INTO ai.passages (organization_id, article_id, number, heading, body, anchor, digest, embedding)"
    " VALUES (:organization, :article, :number, :heading, :body, :anchor, :digest,"
    " CAST(CAST(:embedding AS text) AS vector))"
)
EMBEDDED = text(
    "SELECT digest, vector_send(embedding) FROM ai.passages"
    " WHERE organization_id = :organization AND article_id = ANY(:articles) AND digest <> ''"
)
KNOWN = text(
    "SELECT id, content_hash, EXISTS (SELECT FROM unnest(sources) AS one WHERE starts_with(one, :edited))"
    " FROM ai.knowledge_entries WHERE organization_id = :organization AND id = ANY(:articles)"
    " UNION ALL SELECT article_id, NULL, false FROM ai.removed_articles"
    " WHERE organization_id = :organization AND article_id = ANY(:articles)"
)
CHANGED = text(
    "INSERT INTO core.outbox (organization_id, event)"
    " VALUES (:organization, jsonb_build_object('event', 'knowledge_changed', 'at', now()))"
)
VERSION = "SELECT knowledge_version FROM core.organizations WHERE id = $1"
GONE = """
SELECT article_id FROM ai.removed_articles WHERE organization_id = $1 AND removed_in > $2
UNION SELECT id FROM ai.knowledge_entries WHERE organization_id = $1 AND changed_in > $2
"""
LOAD = """
SELECT p.article_id, p.number, k.title, p.heading, p.body, k.category, k.product, k.api_versions,
    k.error_codes, k.version, k.language, k.audience, k.access_groups, k.valid_from, k.valid_until, p.anchor,
    CASE WHEN p.number = 0 THEN k.asked ELSE '{}' END AS asked,
    vector_send(p.embedding) AS embedding
FROM ai.passages p
JOIN ai.knowledge_entries k ON k.organization_id = p.organization_id AND k.id = p.article_id
WHERE p.organization_id = $1 AND ($2 = 0 OR k.changed_in > $2)
ORDER BY p.article_id, p.number
"""
TENANT = "SELECT set_config('app.current_org_id', $1, true)"
VECTOR_HEADER = 4
"""Bytes before the big-endian floats in pgvector's binary form (dimensions and a spare field)."""
READ = """
SELECT version, data FROM ai.snapshots WHERE organization_id = $1 AND format = $2 ORDER BY part
"""
DESCRIBED = """
SELECT version, sum(length(data)) AS size FROM ai.snapshots
WHERE organization_id = $1 AND format = $2 GROUP BY version
"""
WRITE = "INSERT INTO ai.snapshots (organization_id, part, version, format, data) VALUES ($1, $2, $3, $4, $5)"
PART = 16 * 2**20
"""Bytes of a stored index in one row."""


class PostgresKnowledge(Knowledge):
    """The articles of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def known(self, articles: Sequence[ArticleId]) -> Mapping[ArticleId, Known]:
        given = {"organization": self._organization, "articles": list(articles), "edited": f"{EDITED}/"}
        rows = await self._connection.execute(KNOWN, given)
        return {ArticleId(row[0]): Known(row[1], edited=row[2]) for row in rows}

    async def embedded(self, articles: Sequence[ArticleId]) -> Mapping[ContentHash, NDArray[np.float32]]:
        if not articles:
            return {}
        given = {"organization": self._organization, "articles": list(articles)}
        rows = await self._connection.execute(EMBEDDED, given)
        return {ContentHash(row[0]): _vector(row[1]) for row in rows}

    async def put(
        self,
        articles: Sequence[EmbeddedArticle],
        gone: Sequence[ArticleId] = (),
        before: Mapping[ArticleId, ContentHash | None] = MappingProxyType({}),
    ) -> None:
        if not articles and not gone:
            return
        version = await self._move_on()
        now = await self.known(list(before)) if before else {}
        for article, content in before.items():
            if now.get(article, NEVER).content != content:
                raise changed_meanwhile(article)
        await self._connection.execute(CHANGED, {"organization": self._organization})
        await self._remove(gone, version)
        if articles:
            await self._upsert(articles, version)
            ids = [embedded.article.id for embedded in articles]
            await self._forget(passages, passages.c.article_id, ids)
            await self._forget(removed_articles, removed_articles.c.article_id, ids)
        rows = [
            self._row(passage, vector, digest)
            for one in articles
            for passage, vector, digest in zip(one.passages, one.vectors, one.digests, strict=True)
        ]
        if rows:
            await self._connection.execute(INSERT_PASSAGE, rows)

    async def of_sources(self, prefixes: Sequence[str]) -> Sequence[ArticleId]:
        if not prefixes:
            return []
        source = func.unnest(knowledge_entries.c.sources).column_valued("source")
        below = [f"{prefix.rstrip('/')}/" for prefix in prefixes]
        begins = or_(source.in_(list(prefixes)), *(source.startswith(one, autoescape=True) for one in below))
        query = select(knowledge_entries.c.id).where(
            knowledge_entries.c.organization_id == self._organization, exists(select(source).where(begins))
        )
        return [ArticleId(row[0]) for row in await self._connection.execute(query)]

    async def _remove(self, articles: Sequence[ArticleId], version: int) -> None:
        if not articles:
            return
        await self._forget(knowledge_entries, knowledge_entries.c.id, articles)
        statement = insert(removed_articles)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["organization_id", "article_id"],
                set_={"removed_in": statement.excluded.removed_in},
            ),
            [
                {"organization_id": self._organization, "article_id": one, "removed_in": version}
                for one in articles
            ],
        )

    async def _forget(self, table: Any, column: Any, ids: Sequence[ArticleId]) -> None:  # noqa: ANN401  # any table
        await self._connection.execute(
            delete(table).where(
                table.c.organization_id == self._organization, column == any_(literal(list(ids), ARRAY(Text)))
            )
        )

    async def _move_on(self) -> int:
        """The next version; its row lock lets one change of a tenant's knowledge follow another."""
        moved = await self._connection.execute(
            update(organizations)
            .where(organizations.c.id == self._organization)
            .values(knowledge_version=organizations.c.knowledge_version + 1)
            .returning(organizations.c.knowledge_version)
        )
        return int(moved.scalar_one())

    async def _upsert(self, articles: Sequence[EmbeddedArticle], version: int) -> None:
        rows = [
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
                "version": e.article.reach.version,
                "language": e.article.reach.language,
                "audience": e.article.reach.audience,
                "access_groups": list(e.article.reach.groups),
                "valid_from": e.article.reach.valid_from,
                "valid_until": e.article.reach.valid_until,
                "flags": list(e.article.flags),
                "asked": list(e.article.asked),
                "changed_in": version,
            }
            for e in articles
        ]
        statement = insert(knowledge_entries)
        replaced = {
            name: statement.excluded[name] for name in rows[0] if name not in {"organization_id", "id"}
        }
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["organization_id", "id"], set_=replaced), rows
        )

    def _row(self, passage: Passage, vector: NDArray[np.float32], digest: ContentHash) -> dict[str, object]:
        return {
            "organization": self._organization,
            "article": passage.article,
            "number": passage.number,
            "heading": passage.heading,
            "body": passage.body,
            "anchor": passage.anchor,
            "digest": digest,
            "embedding": "[" + ",".join(f"{x:.9g}" for x in vector.tolist()) + "]",
        }


class PostgresPassages(PassageLog, Snapshots):
    """The passages of all tenants, and the indexes stored of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def since(self, organization: OrganizationId, version: int) -> Changes:
        async with (
            driver(self._engine) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(TENANT, str(organization))
            reached = int(await connection.fetchval(VERSION, organization) or 0)
            gone = await connection.fetch(GONE, organization, version) if version else []
            rows = await connection.fetch(LOAD, organization, version)
        vectors = np.array([_vector(row["embedding"]) for row in rows], np.float32)
        return Changes(
            reached,
            tuple(ArticleId(row[0]) for row in gone),
            tuple(_passage(row) for row in rows),
            vectors.reshape(-1, DIMENSIONS),
        )

    async def described(self, organization: OrganizationId, form: int) -> tuple[int, int] | None:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            row = await connection.fetchrow(DESCRIBED, organization, form)
        return None if row is None else (int(row["version"]), int(row["size"]))

    async def read(self, organization: OrganizationId, form: int) -> tuple[int, bytes] | None:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            rows = await connection.fetch(READ, organization, form)
        if not rows:
            return None
        return int(rows[0]["version"]), b"".join(row["data"] for row in rows)

    async def write(self, organization: OrganizationId, form: int, version: int, data: bytes) -> None:
        parts = [data[start : start + PART] for start in range(0, len(data), PART)]
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            await connection.execute("DELETE FROM ai.snapshots WHERE organization_id = $1", organization)
            for number, part in enumerate(parts):
                await connection.execute(WRITE, organization, number, version, form, part)


def _passage(row: Mapping[str, Any]) -> Passage:
    return Passage(
        row["article_id"],
        row["number"],
        row["title"],
        row["heading"],
        row["body"],
        row["category"],
        row["product"],
        row["api_versions"],
        tuple(row["error_codes"]),
        reach_of(row),
        row["anchor"],
        tuple(row["asked"]),
    )


def _vector(sent: bytes) -> NDArray[np.float32]:
    """A vector in the binary form that pgvector sends."""
    return np.frombuffer(sent, ">f4", offset=VECTOR_HEADER).astype(np.float32)
