"""Every turn keeps what it was decided from, so that it can be decided again."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

revision = "0005"
down_revision = "0004"

TRIALS = Path(__file__).with_name("0003_trials.sql")
COLUMNS, VALUES = "trial, beside\n    )", "NULLIF(p_turn -> 'beside', 'null'::jsonb)\n    )"
"""Where `core.say` stores a turn."""


def upgrade() -> None:
    """Add the column, and have `core.say` fill it."""
    _run(f"ALTER TABLE ai.turns ADD COLUMN receipt BYTEA;\n{say_with_receipts()}")


def downgrade() -> None:
    """Take it away again. Lost: what past turns were decided from."""
    _run(f"{_say()}\nALTER TABLE ai.turns DROP COLUMN receipt;")


def say_with_receipts() -> str:
    """`core.say` as it is from this version on."""
    say = _say()
    for place in (COLUMNS, VALUES):
        assert say.count(place) == 1  # noqa: S101  # a migration that does not fit must not run
    say = say.replace(COLUMNS, "trial, beside, receipt\n    )")
    return say.replace(VALUES, f"{VALUES.removesuffix(')')}, decode(p_turn ->> 'receipt', 'base64')\n    )")


def _say() -> str:
    before = TRIALS.read_text(encoding="utf-8")
    start = before.index("CREATE OR REPLACE FUNCTION core.say")
    return before[start : before.index("$$;", start) + 3]


def _run(statements: str) -> None:
    """Run several statements at once, which the driver's prepared statements cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(statements))
