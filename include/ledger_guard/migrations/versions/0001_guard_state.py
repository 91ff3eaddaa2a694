"""Guard state, first version: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first version."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
