"""What was seen of a flag change after its write: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring the finding and its status in; what read-back alone had called unconfirmed is not in effect."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
