"""What every revision does: run the SQL file of its own name, and refuse to be taken back, or run the file in `back/`."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal


def run_sql_beside(revision_file: str) -> None:
    """Run the SQL file that stands beside a revision's Python file, within the upgrade's transaction.

    Raises:
        LedgerInvariantError: the upgrade's connection is closed; run the upgrade again.
    """
    _run(Path(revision_file).with_suffix(".sql"))


def run_sql_back(revision_file: str) -> None:
    """Run the SQL file of a revision's name in the folder `back`, within the downgrade's transaction."""
    file = Path(revision_file).with_suffix(".sql")
    _run(file.parent / "back" / file.name)


def _run(file: Path) -> None:
    # The driver's own connection: it sends the file as it stands, colons and percent signs included.
    driver = op.get_bind().connection.driver_connection
    if driver is None:
        raise LedgerInvariantError(f"revision {file.stem}: its connection is closed; run the upgrade again")
    driver.execute(file.read_text(encoding="utf-8"))


def refuse_downgrade(revision: str) -> None:
    """Raise SafetyRefusal: guard state is never taken apart again, what it holds is evidence."""
    raise SafetyRefusal(f"revision {revision}: can't be undone; restore a backup instead")
