"""Access events keep where a webhook call came from: the statement stands in the SQL file of the same name."""

from __future__ import annotations

from ledger_guard.migrations.revision import refuse_downgrade, run_sql_beside

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the address in; of calls that came earlier it is not known."""
    run_sql_beside(__file__)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    refuse_downgrade(revision)
