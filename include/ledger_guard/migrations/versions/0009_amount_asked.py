"""Access events keep the amount that was asked for: the statement stands in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring the amount in; of events that came earlier it is not known."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
