"""What stands in the way of runs and answers, in Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind
from ledger_guard.sql import statement


class PostgresGuardAlertStore:
    """GuardAlertStore."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """See GuardAlertStore."""
        return self._connection.execute(statement("guard/begin_look"), {"at": at, "every": every}).fetchone() is not None

    def standing(self) -> list[GuardAlert]:
        """See GuardAlertStore."""
        return [_guard_alert(row) for row in self._connection.execute(statement("guard/select_guard_alerts")).fetchall()]

    def seen(self, kind: GuardAlertKind, about: str, at: datetime) -> GuardAlert:
        """See GuardAlertStore."""
        parameters = {"kind": kind.value, "about": about, "at": at}
        row = self._connection.execute(statement("guard/upsert_guard_alert"), parameters).fetchone()
        if row is None:
            raise LedgerInvariantError(f"guard_alert {kind.value} {about}: was not stored; try again")
        return _guard_alert(row)

    def over(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        self._connection.execute(statement("guard/end_guard_alert"), {"kind": kind.value, "about": about, "at": at})

    def told(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        parameters = {"kind": kind.value, "about": about, "at": at}
        if self._connection.execute(statement("guard/mark_guard_alert_told"), parameters).fetchone() is None:
            raise BadInputError(f"guard_alert {kind.value} {about}: was never seen; allowed: one that stands")


def _guard_alert(row: Row) -> GuardAlert:
    return GuardAlert(**{**row, "kind": GuardAlertKind(row["kind"])})
