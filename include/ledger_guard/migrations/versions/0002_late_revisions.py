"""Late data for judged windows: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables of checkpoints and judged windows, empty: the next classify begins to fill them."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
