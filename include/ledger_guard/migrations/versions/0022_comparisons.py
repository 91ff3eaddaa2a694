"""What a comparison leaves for the next: see the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
