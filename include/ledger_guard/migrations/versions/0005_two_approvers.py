"""Two approvers, escalation and break-glass: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what a question says about people and its incident; older questions needed one person."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
