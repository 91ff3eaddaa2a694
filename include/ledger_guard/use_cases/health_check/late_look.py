"""Rows that reach a source after their window was settled: found by reading one older window again with each check."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.windows import UTC, Window, iso
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.health_check.source_steps import SourceSteps

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: a prime: each window has exactly one turn, at an age of one to so many times the lateness
_SPANS = 23


def looked_at_again(newest: Window, lateness: timedelta) -> Window:
    """The older window whose turn it is when `newest` is: with windows of five minutes, one of the last day that is settled."""
    number, span = (newest.start - _EPOCH) // newest.length, max(1, lateness // newest.length)
    if span % _SPANS == 1:
        # else some windows would have every turn, and others none
        span += 1
    return Window(newest.start - newest.length * (span * (1 + number % _SPANS) + 1), newest.length)


def look_for_late_rows(deps: Dependencies, trigger: Trigger, source: SourceSteps, newest: Window) -> None:
    """Record when an older window has more than it had when it was settled; what is stored of it stays."""
    window = looked_at_again(newest, deps.policy.lateness)
    with deps.state.transaction() as state:
        sensed = state.readings.windows(trigger, window.start, window.end)
        stored = sum(each.exposure for each in state.readings.readings(trigger, window.start, window.end))
    if not sensed or sensed[0].state is not WindowState.COMPLETE:
        return
    try:
        found = sum(each.exposure for each in source.read([window]).readings)
    except SourceUnavailable:
        return
    if found > stored:
        words = (
            f"the window that began at {iso(window.start)} has {found} requests, {found - stored} more than when it was settled: "
            "rows come later than they are waited for, and are in no reading"
        )
        with deps.state.transaction() as state:
            state.guard_alerts.seen(GuardAlertKind.TOO_LATE, trigger.value, deps.wall_clock.now(), words)
