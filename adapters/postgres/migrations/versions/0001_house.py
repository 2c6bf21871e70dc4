"""The whole first schema, as SQL beside this file."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0001"
down_revision = None

SCHEMA = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    """Create schemas, tables, policies and functions."""
    _run(SCHEMA.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them. Roles belong to the whole server and stay."""
    _run("DROP SCHEMA core, ai, analytics, audit CASCADE")


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
