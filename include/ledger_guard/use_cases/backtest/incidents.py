"""Incidents of a backtest: alarms of a tenant or the platform, joined over short gaps.

One incident is what someone would have been called for once:

- alarms of one tenant with at most 30 minutes of anything else between them are one isolated incident of that tenant;
- widespread alarms, of whichever tenants, with at most 30 minutes between them are one widespread incident;
- a tenant's own alarms that begin at most 30 minutes before it is part of a widespread incident, or come at most 30 minutes
  after, belong to that incident: they make it severe if they are, but not longer. Those that began earlier stay an incident
  of the tenant;
- an incident is as severe as its gravest verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.engine import SEVERITIES, WindowResult
from ledger_guard.domain.verdicts import Scope, Severity

#: the longest gap within an incident
LULL = timedelta(minutes=30)
_MILD = SEVERITIES.index(Severity.MILD)
_NEVER = -(10**9)
Item = TypeVar("Item", bound=np.generic)


@dataclass(frozen=True)
class Incident:
    """One isolated or widespread incident."""

    #: None for the whole platform
    tenant_id: str | None
    severity: Severity
    #: first and last alarming window: the last one's end
    start: datetime
    end: datetime

    @property
    def scope(self) -> Scope:
        """Widespread where no single tenant is named."""
        return Scope.WIDESPREAD if self.tenant_id is None else Scope.ISOLATED


class TenantRows:
    """Gives every tenant a fixed row in arrays that grow with the tenants."""

    def __init__(self) -> None:
        #: tenants by row
        self.names: list[str] = []
        self._row: dict[str, int] = {}
        self._asked: tuple[str, ...] = ()
        self._rows = np.zeros(0, np.intp)

    def of(self, tenant_ids: tuple[str, ...]) -> NDArray[np.intp]:
        """Rows of these tenants; fast for the same tenants again."""
        if tenant_ids is not self._asked and tenant_ids != self._asked:
            for tenant_id in tenant_ids:
                if tenant_id not in self._row:
                    self._row[tenant_id] = len(self.names)
                    self.names.append(tenant_id)
            self._asked = tenant_ids
            self._rows = np.array([self._row[tenant_id] for tenant_id in tenant_ids], np.intp)
        return self._rows

    def grown(self, array: NDArray[Item], filling: float) -> NDArray[Item]:
        """`array`, extended to a row for every tenant, new rows set to `filling`; itself if long enough."""
        if len(array) >= len(self.names):
            return array
        more = np.full((2 * len(self.names) - len(array), *array.shape[1:]), filling, array.dtype)
        return np.concatenate([array, more])


class IncidentTracker:
    """Follows verdicts window by window; memory is linear in tenants."""

    def __init__(self, length: timedelta, on_ended: Callable[[Incident], None]) -> None:
        """`on_ended` gets every incident as soon as it is certainly over."""
        self._length = length
        self._lull = LULL // length
        self._on_ended = on_ended
        self._tenants = TenantRows()
        self._first_start: datetime | None = None
        #: per tenant, as window numbers: its own open incident, and when it was last part of a widespread one
        self._begin = np.full(0, _NEVER, np.int64)
        self._last = self._begin.copy()
        self._last_widespread = self._begin.copy()
        self._worst = np.zeros(0, np.int8)
        #: the platform's open incident
        self._platform_begin = self._platform_last = _NEVER
        self._platform_worst = 0

    def add(self, judged: WindowResult) -> None:
        """Add the next window; windows come in order of time, without gaps."""
        if self._first_start is None:
            self._first_start = judged.window.start
        alarming = np.flatnonzero(judged.severity >= _MILD)
        if not alarming.size:
            return
        rows = self._rows(judged)[alarming]
        severity, is_widespread = judged.severity[alarming], judged.is_widespread[alarming]
        now = (judged.window.start - self._first_start) // self._length
        if is_widespread.any():
            self._add_widespread(now, rows[is_widespread], int(severity[is_widespread].max()))
        self._add_isolated(now, rows[~is_widespread], severity[~is_widespread])

    def end(self) -> None:
        """No more windows: open incidents end."""
        for row in np.flatnonzero(self._begin != _NEVER).tolist():
            self._end_isolated(row)
        if self._platform_begin != _NEVER:
            self._end_widespread()

    def _rows(self, judged: WindowResult) -> NDArray[np.intp]:
        rows = self._tenants.of(judged.tenant_ids)
        self._begin = self._tenants.grown(self._begin, _NEVER)
        self._last = self._tenants.grown(self._last, _NEVER)
        self._last_widespread = self._tenants.grown(self._last_widespread, _NEVER)
        self._worst = self._tenants.grown(self._worst, 0)
        return rows

    def _add_widespread(self, now: int, rows: NDArray[np.intp], worst: int) -> None:
        for row in rows[self._begin[rows] != _NEVER].tolist():
            if now - self._begin[row] > self._lull:
                self._end_isolated(row)
            else:
                worst = max(worst, int(self._worst[row]))
                self._begin[row], self._worst[row] = _NEVER, 0
        self._last_widespread[rows] = now
        if self._platform_begin != _NEVER and now - self._platform_last - 1 > self._lull:
            self._end_widespread()
        if self._platform_begin == _NEVER:
            self._platform_begin = now
        self._platform_last = now
        self._platform_worst = max(self._platform_worst, worst)

    def _add_isolated(self, now: int, rows: NDArray[np.intp], severity: NDArray[np.int8]) -> None:
        own = now - self._last_widespread[rows] - 1 > self._lull
        self._platform_worst = max(self._platform_worst, int(severity[~own].max(initial=0)))
        rows, severity = rows[own], severity[own]
        for row in rows[(self._begin[rows] != _NEVER) & (now - self._last[rows] - 1 > self._lull)].tolist():
            self._end_isolated(row)
        self._begin[rows] = np.where(self._begin[rows] == _NEVER, now, self._begin[rows])
        self._last[rows] = now
        self._worst[rows] = np.maximum(self._worst[rows], severity)

    def _end_isolated(self, row: int) -> None:
        tenant_id = self._tenants.names[row]
        self._tell(tenant_id, int(self._worst[row]), int(self._begin[row]), int(self._last[row]))
        self._begin[row], self._worst[row] = _NEVER, 0

    def _end_widespread(self) -> None:
        self._tell(None, self._platform_worst, self._platform_begin, self._platform_last)
        self._platform_begin, self._platform_worst = _NEVER, 0

    def _tell(self, tenant_id: str | None, worst: int, begin: int, last: int) -> None:
        zero = self._first_start
        if zero is not None:
            start, end = zero + begin * self._length, zero + (last + 1) * self._length
            self._on_ended(Incident(tenant_id, SEVERITIES[worst], start, end))
