"""Alerts about blocked runs and answers, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind


class InMemoryGuardAlertStore(Store):
    """GuardAlertStore over the tables of one transaction."""

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """See GuardAlertStore."""
        last = self._tables.last_look.get("")
        if last is not None and abs(at - last) < every:
            return False
        self._tables.last_look[""] = at
        return True

    def standing(self) -> list[GuardAlert]:
        """See GuardAlertStore."""
        found = [each for each, over_at in self._tables.guard_alerts.values() if over_at is None]
        return sorted(found, key=lambda each: (each.since, each.kind.value, each.about))

    def seen(self, kind: GuardAlertKind, about: str, at: datetime, detail: str = "") -> GuardAlert:
        """See GuardAlertStore."""
        known, over_at = self._tables.guard_alerts.get((kind, about), (None, None))
        goes_on = known if known is not None and over_at is None else GuardAlert(kind, about, at, at)
        found = replace(goes_on, seen_at=at, detail=detail)
        self._tables.guard_alerts[kind, about] = (found, None)
        return found

    def over(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        known, over_at = self._tables.guard_alerts.get((kind, about), (None, None))
        if known is not None and over_at is None:
            self._tables.guard_alerts[kind, about] = (known, at)

    def told(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """See GuardAlertStore."""
        known, over_at = self._tables.guard_alerts.get((kind, about), (None, None))
        if known is None:
            raise BadInputError(f"guard_alert {kind.value} {about}: was never seen; allowed: an active one")
        self._tables.guard_alerts[kind, about] = (replace(known, told_at=known.told_at or at), over_at)
