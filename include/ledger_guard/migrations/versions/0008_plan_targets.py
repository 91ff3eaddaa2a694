"""A plan's rows keep what the evidence gives and the evidence itself: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Bring targets, reasons and evidence in; rows of earlier plans keep the hash that they were approved under."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
