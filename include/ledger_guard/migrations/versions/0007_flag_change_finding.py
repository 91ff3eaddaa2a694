"""What was seen of a flag change after its write: the statements stand in the SQL file of the same name."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the finding and its status in; what read-back alone had called unconfirmed is not in effect."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own connection: it sends the file as it stands, colons and percent signs included.
    driver = op.get_bind().connection.driver_connection
    if driver is None:
        raise LedgerInvariantError("revision 0007: its connection is closed; run the upgrade again")
    driver.execute(text)


def downgrade() -> None:
    """Guard state is never taken apart again: what it holds is evidence."""
    raise SafetyRefusal("revision 0007: can't be undone; restore a backup instead")
