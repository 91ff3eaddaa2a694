"""Marks of audit entries, and an end of the chain that only moves on: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns of marks, and let the end of the chain only move on."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
