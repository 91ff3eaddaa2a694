"""Time series of a few tenants in a backtest, short enough to draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.engine import SEVERITIES, WindowResult
from ledger_guard.domain.verdicts import Severity

#: more points than this can't be distinguished in a picture
MOST_POINTS = 12_000


@dataclass(frozen=True)
class TimeSeries:
    """One tenant's figures by time. The arrays are parallel; NaN where nothing is known."""

    tenant_id: str
    start: datetime
    #: the distance between two points
    step: timedelta
    #: events per attempt, or events a window where only counts are known
    rate: NDArray[np.float32]
    usual_rate: NDArray[np.float32]
    band_low: NDArray[np.float32]
    band_high: NDArray[np.float32]
    #: index into `severities`
    severity: NDArray[np.int8]
    severities: tuple[Severity, ...] = SEVERITIES


class TimeSeriesKeeper:
    """Keeps the time series of chosen tenants; memory is bounded, however many windows there are.

    With more windows than MOST_POINTS, neighbours share a point: it has their highest rate and worst verdict, and the last usual
    rate and band.
    """

    def __init__(self, tenant_ids: list[str], windows: int) -> None:
        """`windows` is how many will be added."""
        self._tenant_ids = tenant_ids
        self._windows_a_point = max(1, -(-windows // MOST_POINTS))
        shape = (len(tenant_ids), -(-windows // self._windows_a_point))
        self._rate, self._usual, self._low, self._high = (np.full(shape, np.nan, np.float32) for _ in range(4))
        self._severity = np.full(shape, SEVERITIES.index(Severity.NO_DATA), np.int8)
        self._seen = 0
        self._start: datetime | None = None
        self._step = timedelta(0)
        self._asked: tuple[str, ...] = ()
        self._places: list[tuple[int, int]] = []

    def add(self, judged: WindowResult) -> None:
        """Add the next window; windows come in order of time, without gaps."""
        if self._start is None:
            self._start, self._step = judged.window.start, judged.window.length * self._windows_a_point
        point = self._seen // self._windows_a_point
        self._seen += 1
        if judged.tenant_ids != self._asked:
            self._asked = judged.tenant_ids
            index = {tenant_id: place for place, tenant_id in enumerate(judged.tenant_ids)}
            self._places = [(row, index[name]) for row, name in enumerate(self._tenant_ids) if name in index]
        for row, place in self._places:
            self._rate[row, point] = np.fmax(self._rate[row, point], judged.rate[place])
            self._severity[row, point] = max(self._severity[row, point], judged.severity[place])
            if not np.isnan(judged.usual_rate[place]):
                self._usual[row, point] = judged.usual_rate[place]
                self._low[row, point], self._high[row, point] = judged.band_low[place], judged.band_high[place]

    def series(self) -> list[TimeSeries]:
        """One per tenant, in the chosen order."""
        if self._start is None:
            return []
        return [
            TimeSeries(
                name,
                self._start,
                self._step,
                self._rate[row],
                self._usual[row],
                self._low[row],
                self._high[row],
                self._severity[row],
            )
            for row, name in enumerate(self._tenant_ids)
        ]
