"""What players held before the ledger, as it was seen first; who writes a tenant's wallets: see the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Bring the tables in, empty: what was not seen before is seen first by the next dry-run."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
