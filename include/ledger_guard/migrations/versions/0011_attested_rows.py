"""Audit entries are found by what they are about: the statement stands in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bring the indexes in; entries from before attest nothing."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
