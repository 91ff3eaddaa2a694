"""Partitions by time: see the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import run_sql_back, run_sql_beside

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Partition what grows with traffic and tenants; what is stored becomes the first partition of its table, where it lies."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Plain tables again, with every row but the hourly sums: they were derived from readings."""
    run_sql_back(__file__)
