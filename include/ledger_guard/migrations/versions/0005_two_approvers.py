"""Two approvers, escalation and break-glass: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a question says about people and its incident; older questions needed one person."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own connection: it sends the file as it stands, colons and percent signs included.
    driver = op.get_bind().connection.driver_connection
    if driver is None:
        raise LedgerInvariantError("revision 0005: its connection is closed; run the upgrade again")
    driver.execute(text)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    raise SafetyRefusal("revision 0005: can't be undone; restore a backup instead")
