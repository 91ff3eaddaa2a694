"""Readings from a metrics server: Prometheus, and what speaks its API (Mimir, VictoriaMetrics, Loki's metric queries)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.signal_sources.counted_rows import checked_readings
from ledger_guard.domain.errors import SourceUnavailable, UnusableAnswer
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window, iso
from ledger_guard.policy.sources import Prometheus
from ledger_guard.ports.platform import Clock

#: windows that one request asks for; a server refuses more than 11,000 points of a series
_WINDOWS_AT_ONCE = 288
#: an answer about 288 windows of some 5,000 tenants
_MOST_BYTES = 64 << 20

#: without a series of events for so long, the expression may be mistyped, or the metric gone
_EVENTS_SEEN_WITHIN = timedelta(hours=1)

_NO_SERIES = (
    "events had no series in an hour: a mistyped name, a metric that is gone, or a counter that never counted; allowed: counters "
    "that begin at 0, or events_may_be_absent: true"
)

#: tenant and start of a window, and the count there
_Counts = dict[tuple[str, datetime], int]


class PrometheusSource:
    """SignalSource over two expressions, each evaluated at the end of every window and looking back over its length.

    A tenant without a series of events had none, as a counter that never counted has no series; without one of exposure there is
    no reading. But where no tenant had one for an hour, the expression may be mistyped: that is no data, unless the policy says
    otherwise. Counts are rounded: `increase` extrapolates to the window's edges.

    Every method raises SourceUnavailable when the server does not answer, answers with an error, or only in part: the window is
    `no_data`; retry when it is whole.
    """

    def __init__(self, source: Prometheus, caller: HttpCaller, clock: Clock) -> None:
        self._source = source
        self._caller = caller
        self._clock = clock

    def complete_through(self, trigger: Trigger) -> datetime | None:  # noqa: ARG002  one server for all
        """See SignalSource. The server is asked, so that one that is away is not taken for complete."""
        through = self._clock.now() - timedelta(seconds=self._source.complete_after_seconds)
        self._asked("query", {"query": _over(self._source.exposure, timedelta(minutes=1)), "time": iso(through)})
        return through

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """See SignalSource."""
        exposure, events = (self._counts(each, first, last) for each in (self._source.exposure, self._source.events))
        alone = sorted(events.keys() - exposure.keys())
        if any(events[key] for key in alone):
            tenant, start = next(key for key in alone if events[key])
            raise self._mistaken(f"tenant {tenant} has events at {iso(start)} and no exposure")
        rows = (
            {"window_start": start, "tenant_id": tenant, "events": events.get((tenant, start), 0), "exposure": count}
            for (tenant, start), count in exposure.items()
        )
        try:
            return checked_readings(trigger, rows, first, last, naive_is_utc=False)
        except UnusableAnswer as error:
            raise self._mistaken(str(error)) from error

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:  # noqa: ARG002  one server
        """See SignalSource: windows at whose end no tenant had a series of events for an hour, unless the policy allows it."""
        if self._source.events_may_be_absent:
            return {}
        seen = {start for _, start in self._counts(self._source.events, first, last, over=_EVENTS_SEEN_WITHIN)}
        return {start: _NO_SERIES for start in _starts(first, last) if start not in seen}

    def _counts(self, expression: str, first: Window, last: Window, over: timedelta | None = None) -> _Counts:
        """What an expression gives at each window's end; `over` is the time that it looks back, else the window's length."""
        found: _Counts = {}
        step = first.length
        query = _over(expression, over or step)
        for start, end in _pieces(first, last):
            form = {"query": query, "start": iso(start), "end": iso(end), "step": f"{step.total_seconds():.0f}"}
            for series in self._matrix(self._asked("query_range", form)):
                tenant, points = self._series(series)
                for moment, value in points:
                    key = (tenant, self._window_start(tenant, moment, first))
                    if key in found:
                        raise self._mistaken(f"tenant {tenant} has several series; allowed: sum by ({self._source.tenant_label})")
                    found[key] = value
        return found

    def _asked(self, endpoint: str, form: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._source.url.rstrip('/')}/api/v1/{endpoint}"
        organization = {"X-Scope-OrgID": self._source.organization} if self._source.organization else None
        answer = self._caller.call("POST", url, form=form, more_headers=organization, most_bytes=_MOST_BYTES)
        try:
            found = answer.json()
        except ValueError:
            raise self._unusable(f"status {answer.status_code} without JSON") from None
        if not isinstance(found, dict) or found.get("status") != "success":
            why = found.get("error") if isinstance(found, dict) else None
            raise self._unusable(f"status {answer.status_code}: {str(why or 'no success')[:200]}")
        if found.get("warnings"):
            raise self._unusable(f"the answer is partial: {str(found['warnings'][0])[:200]}")
        return found

    def _matrix(self, found: Mapping[str, Any]) -> list[dict[str, Any]]:
        content = found.get("data")
        if not isinstance(content, dict) or content.get("resultType") != "matrix" or not isinstance(content.get("result"), list):
            raise self._unusable("the answer is no matrix; allowed: an expression that gives a number by tenant")
        result: list[dict[str, Any]] = content["result"]
        return result

    def _series(self, series: Any) -> tuple[str, list[tuple[float, int]]]:
        """The tenant, and its counts by the moment of their points, in seconds since 1970."""
        try:
            tenant = series["metric"].get(self._source.tenant_label)
            points = [(float(moment), float(value)) for moment, value in series["values"]]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self._unusable("a series is not as the API describes it") from None
        if not tenant:
            label = self._source.tenant_label
            raise self._mistaken(f"a series has no label {label}; allowed: sum by ({label})")
        if not all(math.isfinite(value) for _, value in points):
            raise self._mistaken(f"tenant {tenant} has a count that is no number; allowed: numbers from 0")
        return str(tenant), [(moment, round(value)) for moment, value in points]

    def _window_start(self, tenant: str, moment: float, first: Window) -> datetime:
        """A point stands at its window's end."""
        try:
            return first.start + timedelta(seconds=moment - first.end.timestamp())
        except (OverflowError, ValueError):
            raise self._mistaken(f"tenant {tenant} has a point at a moment that is none: {moment:g}") from None

    def _mistaken(self, why: str) -> UnusableAnswer:
        """Of some windows: the others may be asked for by themselves."""
        return UnusableAnswer(f"{self._source.url}: {why}")

    def _unusable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(f"{self._source.url}: {why}")


def _over(expression: str, length: timedelta) -> str:
    return expression.replace("$window", f"{length.total_seconds():.0f}s")


def _pieces(first: Window, last: Window) -> Iterator[tuple[datetime, datetime]]:
    """The ends of the windows, as few as one request may ask for: first and last of each request."""
    start = first.end
    while start <= last.end:
        end = min(start + first.length * (_WINDOWS_AT_ONCE - 1), last.end)
        yield start, end
        start = end + first.length


def _starts(first: Window, last: Window) -> Iterator[datetime]:
    start = first.start
    while start <= last.start:
        yield start
        start += first.length


def _window_start(moment: float, first: Window) -> datetime:
    """A point stands at its window's end."""
    return first.start + timedelta(seconds=moment - first.end.timestamp())
