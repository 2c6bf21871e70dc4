"""Knowledge that says whom it is for, snapshots of indexes, proposals, and tenants' own intents."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0004"
down_revision = "0003"

SCHEMA = Path(__file__).with_suffix(".sql")
TRIALS = Path(__file__).with_name("0003_trials.sql")
DROP = """
DELETE FROM core.jobs WHERE kind IN ('index', 'learn', 'train');
ALTER TABLE core.organizations DROP COLUMN intent_model, DROP COLUMN vocabulary;
DROP TABLE ai.removed_articles, ai.snapshots, ai.proposals, ai.intents, ai.trainings, ai.intent_models,
    ai.vocabularies;
REVOKE USAGE ON SCHEMA ai FROM casepilot_worker;
ALTER TABLE ai.passages DROP COLUMN anchor, DROP COLUMN digest;
DROP TRIGGER touch ON ai.knowledge_entries;
CREATE TRIGGER touch BEFORE UPDATE ON ai.knowledge_entries FOR EACH ROW EXECUTE FUNCTION core.touch();
ALTER TABLE ai.knowledge_entries DROP COLUMN version, DROP COLUMN language, DROP COLUMN audience,
    DROP COLUMN access_groups, DROP COLUMN valid_from, DROP COLUMN valid_until, DROP COLUMN flags,
    DROP COLUMN failure_count, DROP COLUMN changed_in;
"""


def upgrade() -> None:
    """Add tables, columns, policies and rights."""
    _run(SCHEMA.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Take them away again.

    Lost: whom articles are for and when they hold, proposals, tenants' own intents and their models.
    """
    before = TRIALS.read_text(encoding="utf-8")
    start, end = (before.index(f"CREATE OR REPLACE FUNCTION core.{name}") for name in ("hear", "say"))
    _run(before[start:end] + DROP)


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
