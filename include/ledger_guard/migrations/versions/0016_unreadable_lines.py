"""Unreadable lines, and event keys that a repeated request id can't hide behind: see the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; stored events get the keys that their lines give now."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
