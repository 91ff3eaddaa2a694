"""What stands in the way of runs and answers, in Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.domain.complaints import Complaint, ComplaintKind
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.sql import statement


class PostgresComplaintStore:
    """ComplaintStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """See ComplaintStore."""
        return self._connection.execute(statement("guard/begin_look"), {"at": at, "every": every}).fetchone() is not None

    def standing(self) -> list[Complaint]:
        """See ComplaintStore."""
        return [_complaint(row) for row in self._connection.execute(statement("guard/select_complaints")).fetchall()]

    def seen(self, kind: ComplaintKind, about: str, at: datetime) -> Complaint:
        """See ComplaintStore."""
        parameters = {"kind": kind.value, "about": about, "at": at}
        row = self._connection.execute(statement("guard/upsert_complaint"), parameters).fetchone()
        if row is None:
            raise LedgerInvariantError(f"complaint {kind.value} {about}: was not stored; try again")
        return _complaint(row)

    def over(self, kind: ComplaintKind, about: str, at: datetime) -> None:
        """See ComplaintStore."""
        self._connection.execute(statement("guard/end_complaint"), {"kind": kind.value, "about": about, "at": at})

    def told(self, kind: ComplaintKind, about: str, at: datetime) -> None:
        """See ComplaintStore."""
        parameters = {"kind": kind.value, "about": about, "at": at}
        if self._connection.execute(statement("guard/mark_complaint_told"), parameters).fetchone() is None:
            raise BadInputError(f"complaint {kind.value} {about}: was never seen; allowed: one that stands")


def _complaint(row: Row) -> Complaint:
    return Complaint(**{**row, "kind": ComplaintKind(row["kind"])})
