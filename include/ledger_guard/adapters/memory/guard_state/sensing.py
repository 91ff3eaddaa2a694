"""Readings and verdicts in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ledger_guard.adapters.flag_stores.store_rules import plain_json, require_known_windows
from ledger_guard.adapters.memory.guard_state.tables import SavedEngine, Store
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window


class InMemoryReadingStore(Store):
    """ReadingStore over the tables of one transaction."""

    def sensed_through(self, trigger: Trigger) -> datetime | None:
        """See ReadingStore."""
        newest = max((key for key in self._tables.windows if key[0] == trigger), key=lambda key: key[1], default=None)
        return None if newest is None else self._tables.windows[newest].window.end

    def record(self, windows: Sequence[SensedWindow], readings: Sequence[Reading]) -> int:
        """See ReadingStore."""
        require_known_windows(windows, readings)
        by_tenant: dict[tuple[Trigger, datetime], dict[str, Reading]] = {}
        for reading in readings:
            of_window = by_tenant.setdefault((reading.trigger, reading.window.start), {})
            if reading.tenant_id in of_window:
                raise ValueError(f"reading of {reading.tenant_id} at {reading.window.start.isoformat()}: is given twice")
            of_window[reading.tenant_id] = reading
        revised = 0
        for sensed in windows:
            given = by_tenant.get((sensed.trigger, sensed.window.start), {})
            revised += self._record_window(sensed, tuple(given[tenant] for tenant in sorted(given)))
        return revised

    def _record_window(self, sensed: SensedWindow, readings: tuple[Reading, ...]) -> int:
        key = (sensed.trigger, sensed.window.start)
        known = self._tables.windows.get(key)
        if known is None:
            self._tables.windows[key] = replace(sensed, revision=0)
            self._tables.readings[key] = readings
            return 0
        is_same = known.state is sensed.state and known.window == sensed.window
        # money is that of the counted events: by itself it revises nothing
        is_same = is_same and _counts(self._tables.readings[key]) == _counts(readings)
        if sensed.state is WindowState.NO_DATA or is_same:
            return 0
        self._tables.windows[key] = replace(sensed, revision=known.revision + 1)
        self._tables.readings[key] = readings
        return 1

    def windows(self, trigger: Trigger, start: datetime, end: datetime) -> list[SensedWindow]:
        """See ReadingStore."""
        keys = sorted(key[1] for key in self._tables.windows if key[0] == trigger and start <= key[1] < end)
        return [self._tables.windows[trigger, window_start] for window_start in keys]

    def readings(self, trigger: Trigger, start: datetime, end: datetime) -> list[Reading]:
        """See ReadingStore."""
        keys = sorted(key[1] for key in self._tables.readings if key[0] == trigger and start <= key[1] < end)
        return [reading for window_start in keys for reading in self._tables.readings[trigger, window_start]]


def _counts(readings: Sequence[Reading]) -> list[Reading]:
    return [replace(reading, money=None) for reading in readings]


class InMemoryVerdictStore(Store):
    """VerdictStore over the tables of one transaction."""

    def record(self, verdicts: Sequence[Verdict], incident_id: str | None) -> None:
        """See VerdictStore."""
        self._tables.require_incident(incident_id)
        fresh: dict[tuple[Trigger, datetime], dict[str, tuple[Verdict, str | None]]] = {}
        for verdict in verdicts:
            key = (verdict.trigger, verdict.window.start)
            if key not in fresh:
                fresh[key] = dict(self._tables.verdicts.get(key, {}))
            _, hangs_on = fresh[key].get(verdict.tenant_id, (None, None))
            fresh[key][verdict.tenant_id] = (replace(verdict, reasons=plain_json(verdict.reasons)), hangs_on or incident_id)
        self._tables.verdicts.update(fresh)

    def withdraw(self, trigger: Trigger, window: Window, tenants: Sequence[str]) -> None:
        """See VerdictStore."""
        key = (trigger, window.start)
        gone = set(tenants)
        stored = self._tables.verdicts.get(key, {})
        self._tables.verdicts[key] = {tenant: found for tenant, found in stored.items() if tenant not in gone}

    def judged_through(self, trigger: Trigger) -> datetime | None:
        """See VerdictStore."""
        saved = self._tables.engines.get(trigger)
        if saved is not None:
            return saved.judged_through
        ends = [
            verdict.window.end
            for key, of_window in self._tables.verdicts.items()
            if key[0] == trigger
            for verdict, _ in of_window.values()
        ]
        return max(ends, default=None)

    def last_judged_at(self, trigger: Trigger) -> datetime | None:
        """See VerdictStore."""
        saved = self._tables.engines.get(trigger)
        return None if saved is None else saved.judged_at

    def between(self, trigger: Trigger, start: datetime, end: datetime) -> list[Verdict]:
        """See VerdictStore."""
        both = {*self._tables.verdicts, *self._tables.kept_verdicts}
        keys = sorted(key[1] for key in both if key[0] == trigger and start <= key[1] < end)
        found: list[Verdict] = []
        for window_start in keys:
            key = (trigger, window_start)
            of_window = self._tables.kept_verdicts.get(key, {}) | self._tables.verdicts.get(key, {})
            found.extend(of_window[tenant][0] for tenant in sorted(of_window))
        return found

    def engine_state(self, trigger: Trigger) -> bytes | None:
        """See VerdictStore."""
        saved = self._tables.engines.get(trigger)
        return None if saved is None else saved.state

    def save_engine_state(self, trigger: Trigger, judged_through: datetime, judged_at: datetime, state: bytes) -> None:
        """See VerdictStore."""
        self._tables.engines[trigger] = SavedEngine(judged_through, judged_at, bytes(state))
