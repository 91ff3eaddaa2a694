"""How far a backfill has come, instead of a state a row: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring progress, rows left alone and derived row states in; rows keep what became of them."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
