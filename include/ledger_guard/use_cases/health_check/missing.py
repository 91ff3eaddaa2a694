"""Why windows that a source answered for have no data after all: no row where there should be some, or numbers that are stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.missing_data import USUAL_WINDOWS, USUAL_WITHIN, exposures, missing_windows
from ledger_guard.domain.signals import Reading, Trigger, WindowState
from ledger_guard.domain.stuck_values import StuckWatch, numbers_by_window
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import ReadingStore
from ledger_guard.use_cases.health_check.source_steps import Answer


def why_no_data(deps: Dependencies, trigger: Trigger, windows: Sequence[Window], answer: Answer) -> dict[datetime, str]:
    """Windows without data among these, which the source measured, by start with the reason."""
    if not windows:
        return {}
    sensing = deps.policy.sensing
    with deps.state.transaction() as state:
        usual = _last_complete(state.readings, trigger, windows[0].start, USUAL_WITHIN, USUAL_WINDOWS)
        before = _readings_of(state.readings, trigger, usual)
        stuck = {}
        if deps.policy.trigger(trigger).source.is_counted_elsewhere and sensing.stuck_after_windows:
            stuck = _stuck(deps, trigger, windows, answer.readings, _Before(state.readings, usual, before))
    totals = exposures(before)
    empty = missing_windows(
        windows, exposures(answer.readings), [totals[each.start] for each in usual], sensing.missing_data_probability
    )
    apart = {each.window_start: each for each in answer.apart}
    return {
        **stuck,
        **{start: f"{why}; {apart[start].sentence}" if start in apart else why for start, why in empty.items()},
    }


@dataclass(frozen=True)
class _Before:
    """The last complete windows of the day before, with their readings."""

    store: ReadingStore
    windows: Sequence[Window]
    readings: Sequence[Reading]


def _stuck(
    deps: Dependencies, trigger: Trigger, windows: Sequence[Window], found: Sequence[Reading], before: _Before
) -> dict[datetime, str]:
    sensing = deps.policy.sensing
    enough = sensing.stuck_after_windows or 2
    last, readings = before.windows, before.readings
    if len(last) < enough:
        # stuck windows have no data: those that they repeat may be older than a day
        last = _last_complete(before.store, trigger, windows[0].start, timedelta(days=sensing.history_days), enough)
        readings = _readings_of(before.store, trigger, last)
    numbers, earlier = numbers_by_window(found), numbers_by_window(readings)
    watch = StuckWatch(sensing.missing_data_probability, enough, [earlier.get(each.start, {}) for each in last])
    reasons = {window.start: watch.why_stuck(numbers.get(window.start, {})) for window in windows}
    return {start: why for start, why in reasons.items() if why}


def _last_complete(readings: ReadingStore, trigger: Trigger, before: datetime, within: timedelta, at_most: int) -> list[Window]:
    """The newest complete windows before a moment, oldest first."""
    windows = readings.windows(trigger, before - within, before)
    return [sensed.window for sensed in windows if sensed.state is WindowState.COMPLETE][-at_most:]


def _readings_of(readings: ReadingStore, trigger: Trigger, windows: Sequence[Window]) -> list[Reading]:
    return readings.readings(trigger, windows[0].start, windows[-1].end) if windows else []
