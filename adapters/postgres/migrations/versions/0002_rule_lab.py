"""The rule lab: drafts, the life of a version, and the audit trail."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0002"
down_revision = "0001"

SCHEMA = Path(__file__).with_suffix(".sql")
DROP = """
DROP TABLE audit.entries, core.rule_drafts;
ALTER TABLE core.rule_sets DROP COLUMN parent, DROP COLUMN state, DROP COLUMN approver, DROP COLUMN note,
    DROP COLUMN analysis, DROP COLUMN published_at;
REVOKE USAGE ON SCHEMA audit FROM casepilot_app;
REVOKE UPDATE ON core.rule_sets FROM casepilot_app;
"""


def upgrade() -> None:
    """Add tables, columns, policies and rights."""
    _run(SCHEMA.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Take them away again; drafts and the audit trail are lost."""
    _run(DROP)


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
