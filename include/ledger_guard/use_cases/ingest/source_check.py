"""source_check: does a trigger's source give readings that can be judged, and nothing beyond what is asked for?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger_guard.domain.errors import LedgerGuardError
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import Window, iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import CostedSource

#: the newest closed windows that are read
WINDOWS = 12

_NO_FAILURE = (
    "none was seen, and a mistyped name or code looks the same: make one on purpose, and check again when its window is over"
)


@dataclass(frozen=True)
class SourceFinding:
    """One thing that was looked at."""

    name: str
    #: False: readings can't be judged, or are not what they seem
    fits: bool
    #: for people
    line: str


@dataclass(frozen=True)
class SourceCheck:
    """What a trigger's source gave for the newest closed windows."""

    trigger: str
    kind: str
    findings: tuple[SourceFinding, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing was found that has to be mended."""
        return all(finding.fits for finding in self.findings)


def check_source(deps: Dependencies, trigger: Trigger) -> SourceCheck:
    """Read the newest closed windows of the trigger's source, all at once and one by one, and compare. Stores nothing.

    What can't be read is a finding; the rest that depends on it is left out.
    """
    source = deps.policy.trigger(trigger).source
    windows = _newest_windows(deps, 1 if source.speaks_of_now_alone else WINDOWS)
    readings: list[Reading] = []
    findings = [_found("complete through", lambda: _completeness(deps, trigger))]

    def read() -> str:
        readings.extend(deps.signals.readings(trigger, windows[0], windows[-1]))
        return _sums(readings, windows)

    findings.append(_found("readings", read))
    if findings[-1].fits:
        findings += _tenants(deps, readings)
        findings.append(_more_events_than_exposure(readings))
        findings.append(_found("data", lambda: _all_are_measurable(deps, trigger, windows)))
        if not any(each.events for each in readings) and not source.speaks_of_now_alone:
            findings.append(SourceFinding("failures", fits=True, line=_NO_FAILURE))
        if len(windows) > 1:
            findings.append(_found("range", lambda: _reads_nothing_beyond(deps, trigger, windows, readings)))
        if isinstance(deps.signals, CostedSource):
            costed = deps.signals
            findings.append(_found("cost", lambda: "; ".join(costed.cost(trigger, windows[0], windows[-1])) or "not told"))
    return SourceCheck(trigger.value, source.kind, tuple(findings))


def _newest_windows(deps: Dependencies, count: int) -> list[Window]:
    length = timedelta(minutes=deps.policy.window_minutes)
    end = Window.containing(deps.clock.now(), length).start
    return [Window(end - length * back, length) for back in range(count, 0, -1)]


def _found(name: str, look: Callable[[], str]) -> SourceFinding:
    try:
        return SourceFinding(name, fits=True, line=look())
    except LedgerGuardError as error:
        return SourceFinding(name, fits=False, line=str(error))


def _completeness(deps: Dependencies, trigger: Trigger) -> str:
    through = deps.signals.complete_through(trigger)
    if through is None:
        raise LedgerGuardError("no moment yet: nothing was ever delivered")
    return f"{iso(through)}; it is now {iso(deps.clock.now())}"


def _sums(readings: Sequence[Reading], windows: Sequence[Window]) -> str:
    tenants, seen = {each.tenant_id for each in readings}, {each.window for each in readings}
    events, exposure = sum(each.events for each in readings), sum(each.exposure for each in readings)
    span = f"{iso(windows[0].start)} to {iso(windows[-1].end)}"
    counts = f"{events:,} events of {exposure:,} by {len(tenants)} tenants"
    if not readings:
        raise LedgerGuardError(f"no rows in {span}: there is nothing to judge; what comes now is seen when its window is over")
    return f"{len(readings):,} rows in {len(seen)} of {len(windows)} windows, {span}: {counts}"


def _tenants(deps: Dependencies, readings: Iterable[Reading]) -> list[SourceFinding]:
    try:
        known = set(deps.ledger.tenant_ids())
    except LedgerGuardError as error:
        return [SourceFinding("tenants", fits=False, line=f"the platform's tenants could not be read: {error}")]
    unknown = sorted({each.tenant_id for each in readings} - known)
    if not unknown:
        return [SourceFinding("tenants", fits=True, line=f"all are among the platform's {len(known)}")]
    line = f"{len(unknown)} are not among the platform's {len(known)}, for example {unknown[0]}"
    return [SourceFinding("tenants", fits=False, line=line)]


def _all_are_measurable(deps: Dependencies, trigger: Trigger, windows: Sequence[Window]) -> str:
    found = deps.signals.unmeasurable(trigger, windows[0], windows[-1])
    if found:
        start, why = min(found.items())
        raise LedgerGuardError(f"{len(found)} of {len(windows)} windows count as no data, for example {iso(start)}: {why}")
    return "no window counts as no data"


def _more_events_than_exposure(readings: Iterable[Reading]) -> SourceFinding:
    wrong = [each for each in readings if each.events > each.exposure]
    if not wrong:
        return SourceFinding("events", fits=True, line="nowhere more than their exposure")
    first = wrong[0]
    where = f"{first.tenant_id} at {iso(first.window.start)}: {first.events:,} of {first.exposure:,}"
    return SourceFinding("events", fits=False, line=f"more than their exposure in {len(wrong)} rows, for example {where}")


def _reads_nothing_beyond(deps: Dependencies, trigger: Trigger, windows: Sequence[Window], together: Sequence[Reading]) -> str:
    """A window read by itself must give what it gives among others: else a query reads beyond what it is asked for."""
    alone = [reading for window in windows for reading in deps.signals.readings(trigger, window, window)]
    differing = Counter(alone)
    differing.subtract(Counter(together))
    wrong = sorted({reading.window.start for reading, count in differing.items() if count})
    if wrong:
        raise LedgerGuardError(
            f"{len(wrong)} of {len(windows)} windows read by themselves give something else than among the others, for example "
            f"{iso(wrong[0])}: the source reads beyond :start to :end, or is still being written"
        )
    return f"each of {len(windows)} windows gives by itself what it gives among the others"
