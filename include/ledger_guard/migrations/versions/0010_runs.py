"""Leave for runs that other runs start, and what a run's tasks leave for each other: the statements stand in the SQL file."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring both in; runs that were started before have no leave, and their next task refuses: start them by hand."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
