"""What became of past answers, read from turns, conversations and feedback."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import ArticleId, ConversationId, OrganizationId
from domain.retrieval.gaps import Unanswered
from domain.retrieval.impact import PastAnswer
from domain.retrieval.quality import Standing
from ports.outbound.experience import Experience, Solved

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
PATIENCE = "SET LOCAL statement_timeout = '60s'"
CITED = """
SELECT t.heard_id, t.answer #>> '{why,question}' AS question, t.answer ->> 'response' AS response,
    ARRAY(SELECT (c ->> 'number')::int FROM jsonb_array_elements(t.answer -> 'citations') c) AS numbers,
    ARRAY(SELECT c ->> 'article_id' FROM jsonb_array_elements(t.answer -> 'citations') c) AS articles
FROM ai.turns t
WHERE t.organization_id = $1 AND t.answer @> $2::text::jsonb
ORDER BY t.created_at DESC LIMIT $3
"""
STANDINGS = """
WITH given AS (
    SELECT t.answer #>> '{citations,0,article_id}' AS article, f.helpful, c.satisfaction_score AS csat,
        c.escalated, c.status, EXISTS (
            SELECT FROM core.conversations n
            WHERE n.user_id = c.user_id AND n.organization_id = c.organization_id
                AND n.started_at > c.ended_at AND n.started_at <= c.ended_at + interval '7 days'
        ) AS again
    FROM ai.turns t
    JOIN core.conversations c ON c.organization_id = t.organization_id AND c.id = t.conversation_id
    LEFT JOIN core.feedback f ON f.organization_id = t.organization_id AND f.message_id = t.reply_id
    WHERE t.organization_id = $1 AND t.created_at >= $2 AND t.answer #> '{citations,0}' IS NOT NULL
), judged AS (
    SELECT article, CASE
        WHEN helpful IS NOT NULL THEN helpful
        WHEN csat IS NOT NULL AND csat <> 3 THEN csat > 3
        WHEN escalated OR again THEN false
        WHEN status = 'resolved' THEN true
    END AS good
    FROM given
), counted AS (
    SELECT article, count(*) AS used, count(*) FILTER (WHERE good) AS helped,
        count(*) FILTER (WHERE NOT good) AS failed
    FROM judged GROUP BY article
)
SELECT k.id, coalesce(n.used, 0) AS used, coalesce(n.helped, 0) AS helped, coalesce(n.failed, 0) AS failed,
    EXTRACT(epoch FROM $3 - k.updated_at) / 86400 AS age
FROM ai.knowledge_entries k LEFT JOIN counted n ON n.article = k.id
WHERE k.organization_id = $1
"""
UNANSWERED = """
SELECT t.heard_id, t.answer #>> '{why,question}' AS question
FROM ai.turns t
WHERE t.organization_id = $1 AND t.created_at >= $2
    AND t.answer #>> '{why,outcome}' IN ('declined', 'clarified')
ORDER BY t.created_at DESC LIMIT $3
"""
SOLVED = """
SELECT c.id,
    (
        SELECT string_agg(m.content, E'\\n' ORDER BY m.seq) FROM core.messages m
        WHERE m.conversation_id = c.id AND m.organization_id = c.organization_id AND m.sender_type = 'user'
            AND m.seq < (
                SELECT min(h.seq) FROM core.messages h
                WHERE h.conversation_id = c.id AND h.organization_id = c.organization_id
                    AND h.sender_type = 'human_agent'
            )
    ) AS asked,
    ARRAY(
        SELECT m.content FROM core.messages m
        WHERE m.conversation_id = c.id AND m.organization_id = c.organization_id
            AND m.sender_type = 'human_agent' ORDER BY m.seq
    ) AS answered
FROM core.conversations c
WHERE c.organization_id = $1 AND c.status = 'resolved' AND c.ended_at >= $2 AND EXISTS (
    SELECT FROM core.messages m
    WHERE m.conversation_id = c.id AND m.organization_id = c.organization_id AND m.sender_type = 'human_agent'
)
ORDER BY c.ended_at DESC LIMIT $3
"""


class PostgresExperience(Experience):
    """Long reads, on a pool of their own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def cited(
        self, organization: OrganizationId, article: ArticleId, limit: int
    ) -> Sequence[PastAnswer]:
        wanted = msgspec.json.encode({"citations": [{"article_id": article}]}).decode()
        return [
            PastAnswer(
                str(row["heard_id"]),
                row["question"] or "",
                row["response"],
                tuple(zip(row["numbers"], row["articles"], strict=True)),
            )
            for row in await self._rows(CITED, organization, wanted, limit)
        ]

    async def standings(
        self, organization: OrganizationId, since: datetime, now: datetime
    ) -> Mapping[ArticleId, Standing]:
        rows = await self._rows(STANDINGS, organization, since, now)
        return {
            ArticleId(row["id"]): Standing(
                row["used"], row["helped"], row["failed"], max(0.0, float(row["age"]))
            )
            for row in rows
        }

    async def unanswered(
        self, organization: OrganizationId, since: datetime, limit: int
    ) -> Sequence[Unanswered]:
        rows = await self._rows(UNANSWERED, organization, since, limit)
        return [Unanswered(str(row["heard_id"]), row["question"] or "") for row in rows]

    async def solved(self, organization: OrganizationId, since: datetime, limit: int) -> Sequence[Solved]:
        rows = await self._rows(SOLVED, organization, since, limit)
        return [Solved(ConversationId(row["id"]), row["asked"] or "", tuple(row["answered"])) for row in rows]

    async def _rows(
        self,
        statement: str,
        organization: OrganizationId,
        *given: Any,  # noqa: ANN401  # as asyncpg takes them
    ) -> list[asyncpg.Record]:
        async with driver(self._engine) as connection, connection.transaction(readonly=True):
            await connection.execute(TENANT, str(organization))
            await connection.execute(PATIENCE)
            found: list[asyncpg.Record] = await connection.fetch(statement, organization, *given)
            return found
