"""Overrides of freezes, owners of root causes, overlaps, secrets' ages, deploys: the statements stand in the SQL file."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring owners of root causes, overrides, overlaps, sightings of secrets and deploys in; what stands stays."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
