"""Daily figures, recomputed from the conversations of the day."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import driver
from domain.ids import OrganizationId
from ports.outbound.reports import Reports, Spent

TENANT = "SELECT set_config('app.current_org_id', $1, true)"
REFRESH = """
INSERT INTO analytics.days
    (organization_id, day, channel, started, resolved, automated, escalated, abandoned, messages)
SELECT
    organization_id, $2, channel, count(*),
    count(*) FILTER (WHERE status = 'resolved'),
    count(*) FILTER (WHERE resolution_type = 'automated'),
    count(*) FILTER (WHERE escalated),
    count(*) FILTER (WHERE status = 'abandoned'),
    sum(message_count)
FROM core.conversations
WHERE organization_id = $1 AND started_at >= $2::date::timestamp AT TIME ZONE 'UTC'
    AND started_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY organization_id, channel
ON CONFLICT (organization_id, day, channel) DO UPDATE SET
    started = excluded.started, resolved = excluded.resolved, automated = excluded.automated,
    escalated = excluded.escalated, abandoned = excluded.abandoned, messages = excluded.messages,
    refreshed_at = now()
"""
MODELS = """
INSERT INTO ai.model_performance
    (organization_id, model_name, date, total_requests, avg_confidence, avg_latency_ms)
SELECT
    t.organization_id, left(a ->> 'model', 100), $2, count(*),
    avg(t.confidence) FILTER (WHERE a ->> 'outcome' = 'written'), avg((a ->> 'ms')::numeric)
FROM ai.turns t, jsonb_array_elements(t.answer #> '{why,models,attempts}') a
WHERE t.organization_id = $1 AND t.created_at >= $2::date::timestamp AT TIME ZONE 'UTC'
    AND t.created_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
    AND jsonb_typeof(t.answer #> '{why,models}') = 'object'
GROUP BY t.organization_id, left(a ->> 'model', 100)
ON CONFLICT (organization_id, model_name, date) DO UPDATE SET
    total_requests = excluded.total_requests, avg_confidence = excluded.avg_confidence,
    avg_latency_ms = excluded.avg_latency_ms
"""
"""Language models by the day they were asked on; confidence is that of the answers they wrote."""
SPENT = """
SELECT day, model_name AS model, requests, prompt_tokens, completion_tokens, cost::float AS cost
FROM ai.spending WHERE organization_id = $1 AND day >= $2 ORDER BY day DESC, model_name
"""


class PostgresReports(Reports):
    """Conversations by day and channel in `analytics.days`, models by day in `ai.model_performance`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def refresh(self, organization: OrganizationId, day: date) -> None:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            await connection.execute(REFRESH, organization, day)
            await connection.execute(MODELS, organization, day)

    async def spent(self, organization: OrganizationId, since: date) -> Sequence[Spent]:
        async with driver(self._engine) as connection, connection.transaction():
            await connection.execute(TENANT, str(organization))
            rows = await connection.fetch(SPENT, organization, since)
        return [Spent(**row) for row in rows]
