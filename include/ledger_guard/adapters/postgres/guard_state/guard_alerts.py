"""Alerts about blocked runs and answers, in Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.adapters.postgres.rows import Store
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind


class PostgresGuardAlertStore(Store):
    """GuardAlertStore."""

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """See GuardAlertStore."""
        return self._row("guard/begin_look", at=at, every=every) is not None

    def standing(self) -> list[GuardAlert]:
        """See GuardAlertStore."""
        return self._all(GuardAlert, "guard/select_guard_alerts")

    def seen(self, kind: GuardAlertKind, about: str, at: datetime, detail: str = "") -> GuardAlert:
        """See GuardAlertStore."""
        alert = self._one(GuardAlert, "guard/upsert_guard_alert", kind=kind.value, about=about, at=at, detail=detail)
        if alert is None:
            raise LedgerInvariantError(f"guard_alert {kind.value} {about}: was not stored; try again")
        return alert

    def over(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        self._execute("guard/end_guard_alert", kind=kind.value, about=about, at=at)

    def told(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        if self._row("guard/mark_guard_alert_told", kind=kind.value, about=about, at=at) is None:
            raise BadInputError(f"guard_alert {kind.value} {about}: was never seen; allowed: an active one")
