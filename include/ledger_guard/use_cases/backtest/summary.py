"""The summary of a backtest: verdicts, incidents, how often someone is woken, the worst tenants."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import PlainSerializer, computed_field

from ledger_guard.detection.engine import SEVERITIES, WindowResult
from ledger_guard.domain.facts.codec import Rounded, Seconds
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.use_cases.backtest.incidents import Incident, IncidentTracker, TenantRows

_NO_DATA, _INSUFFICIENT, _NONE, _MILD, _SEVERE = (
    SEVERITIES.index(severity)
    for severity in (Severity.NO_DATA, Severity.INSUFFICIENT, Severity.NONE, Severity.MILD, Severity.SEVERE)
)
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TenantAlarms:
    """How long a tenant was in alarm, including its part of widespread incidents."""

    tenant_id: str
    alarm_hours: Rounded
    severe_hours: Rounded
    #: its own incidents
    isolated_incidents: int


@dataclass(frozen=True)
class Summary:
    """The figures of one policy for one file, under names that scripts rely on."""

    window_minutes: int
    windows: int
    tenants: int
    #: the first window's start and the last one's end
    start: Seconds
    end: Seconds
    verdicts: dict[Severity, int]
    #: by scope, then by severity; see `incidents` for what counts as one
    incidents: dict[Scope, dict[Severity, int]]
    #: incidents that were severe at some time: each wakes someone once
    woken: int
    #: tenants whose windows with data mostly have too little traffic to judge
    insufficient_tenants: list[str]
    #: tenants by alarm hours, most first; without those never in alarm
    alarmed_tenants: list[TenantAlarms]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def no_data_share(self) -> Annotated[float, PlainSerializer(partial(round, ndigits=6))]:
        """Verdicts without data out of all verdicts, 0..1."""
        return self.verdicts[Severity.NO_DATA] / max(1, sum(self.verdicts.values()))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def woken_per_week(self) -> Rounded | None:
        """Severe incidents per seven days; None for a file shorter than a day."""
        span = self.end - self.start
        return None if span < _DAY else self.woken * (_WEEK / span)


class SummaryCounter:
    """Adds verdicts up window by window; memory is linear in tenants, except where incidents are kept."""

    def __init__(self, window_minutes: int, *, keep_incidents: bool = False) -> None:
        """`keep_incidents` keeps every incident, to compare them."""
        self._minutes = window_minutes
        self._length = timedelta(minutes=window_minutes)
        self._rows = TenantRows()
        #: verdicts by tenant and severity code
        self._verdicts = np.zeros((0, len(SEVERITIES)), np.int64)
        self._windows = 0
        self._start: datetime | None = None
        self._tracker = IncidentTracker(self._length, self._ended)
        self._ended_incidents: Counter[tuple[Scope, Severity]] = Counter()
        self._own_incidents: Counter[str] = Counter()
        #: in the order they ended, where they are kept
        self.incidents: list[Incident] = []
        self._keeps = keep_incidents

    def add(self, judged: WindowResult) -> None:
        """Add the next window; windows come in order of time, without gaps."""
        self._start = self._start or judged.window.start
        self._windows += 1
        rows = self._rows.of(judged.tenant_ids)
        self._verdicts = self._rows.grown(self._verdicts, 0)
        # no tenant appears twice, so this adds one each
        self._verdicts.reshape(-1)[rows * len(SEVERITIES) + judged.severity] += 1
        self._tracker.add(judged)

    def summary(self) -> Summary:
        """The figures of all windows (at least one); nothing may be added afterwards."""
        if self._start is None:
            raise ValueError("nothing was counted")
        self._tracker.end()
        totals = self._verdicts.sum(axis=0).tolist()
        return Summary(
            window_minutes=self._minutes,
            windows=self._windows,
            tenants=len(self._rows.names),
            start=self._start,
            end=self._start + self._windows * self._length,
            verdicts={severity: totals[code] for code, severity in reversed(list(enumerate(SEVERITIES)))},
            incidents={
                scope: {severity: self._ended_incidents[scope, severity] for severity in (Severity.SEVERE, Severity.MILD)}
                for scope in Scope
            },
            woken=sum(number for (_, severity), number in self._ended_incidents.items() if severity is Severity.SEVERE),
            insufficient_tenants=self._insufficient(),
            alarmed_tenants=self._alarmed(),
        )

    def worst_tenants(self, number: int) -> list[str]:
        """Tenants with the most windows in alarm; filled up with those with the most judged windows."""
        return [self._rows.names[row] for row in self._ranked()[:number]]

    def _ranked(self) -> list[int]:
        counts, names = self._verdicts, self._rows.names
        alarms = counts[:, _MILD] + counts[:, _SEVERE]

        def rank(row: int) -> tuple[int, int, int, str]:
            return -int(alarms[row]), -int(counts[row, _SEVERE]), -int(counts[row, _NONE]), names[row]

        return sorted(range(len(names)), key=rank)

    def _ended(self, incident: Incident) -> None:
        self._ended_incidents[incident.scope, incident.severity] += 1
        if incident.tenant_id is not None:
            self._own_incidents[incident.tenant_id] += 1
        if self._keeps:
            self.incidents.append(incident)

    def _insufficient(self) -> list[str]:
        counts = self._verdicts
        with_data = counts.sum(axis=1) - counts[:, _NO_DATA]
        rows = np.flatnonzero(2 * counts[:, _INSUFFICIENT] > with_data)
        return sorted(self._rows.names[row] for row in rows.tolist())

    def _alarmed(self) -> list[TenantAlarms]:
        hours = self._length / _HOUR
        found = []
        for row in self._ranked():
            name, mild, severe = self._rows.names[row], int(self._verdicts[row, _MILD]), int(self._verdicts[row, _SEVERE])
            if mild + severe:
                found.append(TenantAlarms(name, (mild + severe) * hours, severe * hours, self._own_incidents[name]))
        return found
