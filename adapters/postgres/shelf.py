"""Stored articles one by one."""

from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import reach_of
from adapters.postgres.tables import knowledge_entries as entries
from adapters.postgres.tables import organizations
from domain.errors import NotFoundError
from domain.ids import ArticleId, ContentHash, OrganizationId
from domain.retrieval.passages import Article
from domain.retrieval.quality import Standing
from ports.outbound.knowledge import Kept, Shelf


class PostgresShelf(Shelf):
    """The articles of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization
        self._mine = entries.c.organization_id == organization

    async def get(self, article: ArticleId) -> Kept:
        query = select(entries).where(self._mine, entries.c.id == article)
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("article")
        return _kept(row, row["content"])

    async def page(self, words: str, after: ArticleId | None, limit: int) -> Sequence[Kept]:
        columns = [column for column in entries.c if column.name != "content"]
        query = select(*columns).where(self._mine)
        for word in words.split():
            text = func.concat(entries.c.id, " ", entries.c.title, " ", entries.c.content)
            query = query.where(text.icontains(word, autoescape=True))
        if after is not None:
            query = query.where(entries.c.id > after)
        rows = (await self._connection.execute(query.order_by(entries.c.id).limit(limit))).mappings()
        return [_kept(row, "") for row in rows]

    async def rate(self, found: Mapping[ArticleId, tuple[float, Standing]]) -> None:
        if not found:
            return
        statement = (
            update(entries)
            .where(self._mine, entries.c.id == bindparam("article"))
            .values(
                confidence_score=bindparam("trust"),
                usage_count=bindparam("used"),
                success_count=bindparam("helped"),
                failure_count=bindparam("failed"),
            )
        )
        rows = [
            {
                "article": article,
                "trust": trust,
                "used": standing.used,
                "helped": standing.helped,
                "failed": standing.failed,
            }
            for article, (trust, standing) in found.items()
        ]
        await self._connection.execute(statement, rows)

    async def version(self) -> int:
        query = select(organizations.c.knowledge_version).where(organizations.c.id == self._organization)
        return int((await self._connection.execute(query)).scalar_one())


def _kept(row: RowMapping, body: str) -> Kept:
    article = Article(
        ArticleId(row["id"]),
        row["title"],
        row["category"],
        body,
        row["product"],
        row["api_versions"],
        tuple(row["error_codes"]),
        tuple(row["sources"]),
        reach_of(row),
        tuple(row["flags"]),
        tuple(row["asked"]),
    )
    return Kept(
        article,
        ContentHash(row["content_hash"]),
        row["updated_at"],
        float(row["confidence_score"]),
        row["usage_count"],
        row["success_count"],
        row["failure_count"],
    )
