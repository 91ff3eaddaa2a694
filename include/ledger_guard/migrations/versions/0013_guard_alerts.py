"""Orphaned questions, and alerts about the guard itself: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring them in, empty; questions that were orphaned before are found by the first look, and told then."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
