"""Trials of rule sets beside the live one, rehearsals as jobs, and the record of what rules had done."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0003"
down_revision = "0002"

SCHEMA = Path(__file__).with_suffix(".sql")
HOUSE = Path(__file__).with_name("0001_house.sql")
DROP = """
DELETE FROM core.jobs WHERE kind IN ('guard', 'rehearse');
DROP TABLE core.rule_actions, core.rehearsals;
ALTER TABLE ai.turns DROP COLUMN trial, DROP COLUMN beside;
DROP TABLE core.trials;
DROP INDEX core.idx_conv_user;
ALTER TABLE core.conversations DROP COLUMN recent_contacts;
ALTER TABLE core.messages DROP COLUMN depth;
UPDATE core.rule_sets SET state = 'in_review' WHERE state IN ('shadow', 'canary');
ALTER TABLE core.rule_sets DROP COLUMN rehearsal, DROP CONSTRAINT chk_rule_set_state,
    ADD CONSTRAINT chk_rule_set_state CHECK (state IN ('in_review', 'live', 'retired', 'rejected'));
REVOKE UPDATE (settings) ON core.organizations FROM casepilot_app;
"""


def upgrade() -> None:
    """Add tables, columns, policies and rights."""
    _run(SCHEMA.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Take them away again.

    Lost: trials with what they compared, rehearsals and the reports kept with versions, the record of
    actions, the depth of messages, the count of recent contacts. A live set that reads facts of this
    revision no longer parses.
    """
    before = HOUSE.read_text(encoding="utf-8")
    functions = before[before.index("CREATE FUNCTION core.hear") : before.index("REVOKE ALL ON ALL")]
    _run(functions.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION") + DROP)


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
