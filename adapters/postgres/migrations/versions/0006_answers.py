"""What language models cost each tenant, and the tenant's policy of answers with each turn."""

from importlib import import_module
from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0006"
down_revision = "0005"

SCHEMA = Path(__file__).with_suffix(".sql")
KNOWLEDGE = Path(__file__).with_name("0004_knowledge.sql")
LAST = "    RETURN NULL;\nEND\n$$;"
"""How `core.say` ends."""
SPEND = """    INSERT INTO ai.spending AS s
        (organization_id, day, model_name, requests, prompt_tokens, completion_tokens, cost)
    SELECT
        p_org, (now() AT TIME ZONE 'UTC')::date, left(a ->> 'model', 100), count(*),
        sum((a ->> 'prompt_tokens')::bigint), sum((a ->> 'completion_tokens')::bigint),
        sum(coalesce((a ->> 'cost')::numeric, 0))
    FROM jsonb_array_elements(p_turn #> '{answer,why,models,attempts}') a
    WHERE jsonb_typeof(p_turn #> '{answer,why,models}') = 'object'
    GROUP BY 3 ORDER BY 3
    ON CONFLICT (organization_id, day, model_name) DO UPDATE SET
        requests = s.requests + excluded.requests,
        prompt_tokens = s.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = s.completion_tokens + excluded.completion_tokens,
        cost = s.cost + excluded.cost;
"""


def upgrade() -> None:
    """Add the table, and have `core.say` fill it and `core.hear` read it."""
    say = _receipts().say_with_receipts()
    assert say.count(LAST) == 1  # noqa: S101  # a migration that does not fit must not run
    _run(SCHEMA.read_text(encoding="utf-8") + say.replace(LAST, SPEND + LAST))


def downgrade() -> None:
    """Take it away again. Lost: what models cost; the policy stays among the tenant's settings."""
    before = KNOWLEDGE.read_text(encoding="utf-8")
    start = before.index("CREATE OR REPLACE FUNCTION core.hear")
    hear = before[start : before.index("$$;", start) + 3]
    drop = "DROP TABLE ai.spending; ALTER TABLE ai.knowledge_entries DROP COLUMN asked;"
    _run(f"{hear}\n{_receipts().say_with_receipts()}\n{drop}")


def _receipts():  # type: ignore[no-untyped-def]  # noqa: ANN202  # a module whose name is no identifier
    return import_module("adapters.postgres.migrations.versions.0005_receipts")


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
