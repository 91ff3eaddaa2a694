"""sense: load what the source says about every closed window since the last one, and admit where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.facts.codec import Seconds, TriggerWord, recorded
from ledger_guard.domain.facts.records import WindowsSensed
from ledger_guard.domain.missing_data import USUAL_WINDOWS, USUAL_WITHIN, exposures, missing_windows
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.windows import Window, closed_windows, iso
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import ReadingStore, UnitOfWork

#: windows that were younger than this at the last look are read again for late data; the policy's lateness if that is longer
LATE_DATA = timedelta(hours=1)
NO_PAST = "a comparison of balances can't be made for the past"


@dataclass(frozen=True)
class SenseOutcome:
    """What one sensing stored."""

    trigger: TriggerWord
    #: windows stored for the first time
    windows: int
    #: how many of these could not be read
    no_data: int
    #: windows that late data changed
    revised: int
    #: end of the newest sensed window; None when none ever was
    sensed_through: Seconds | None


@dataclass(frozen=True)
class _Found:
    """What the source says: `reasons` names the windows it says nothing about."""

    windows: Sequence[Window]
    readings: Sequence[Reading]
    reasons: Mapping[datetime, str]


def is_ready(deps: Dependencies, trigger: Trigger) -> bool:
    """Whether `sense` has something to store that will not get better by waiting.

    True when the newest closed window is complete at its source, or stored already; when an older window is complete and
    the newest has had its allowed lateness; and when the oldest window that is not stored has waited until the policy
    gives up. A source that does not answer is waited for until then. Before anything was ever stored there is no such
    window: then it is not waited for a source that is away or far behind.
    """
    now = deps.clock.now()
    newest = _newest_closed(deps, now)
    with deps.state.transaction() as state:
        through = state.readings.sensed_through(trigger)
    oldest = newest if through is None else Window.containing(through, newest.length)
    if oldest.start > newest.start:
        return True
    has_waited = _is_given_up(deps, oldest)
    try:
        complete_through = deps.signals.complete_through(trigger)
    except SourceUnavailable:
        return has_waited or through is None
    if complete_through is None:
        return has_waited or through is None
    if through is None and _is_given_up(deps, Window(complete_through, newest.length)):
        return True
    newest_was_late = now >= newest.end + timedelta(seconds=deps.policy.sensing.allowed_lateness_seconds)
    return has_waited or complete_through >= newest.end or (newest_was_late and complete_through >= oldest.end)


def sense(deps: Dependencies, trigger: Trigger) -> SenseOutcome:
    """Store readings of every closed window since the last sensed one, and look again at young ones for late data.

    The first run goes `history_days` back, no run further; a comparison of balances begins with the newest window, and has
    `no_data` for windows in between. A window that its source is not complete for is left for later until the policy gives
    up on it; then it is `no_data` with the reason, never quiet. Running it again changes nothing.

    Raises:
        BadInputError: windows are stored that lie in the future. Nothing was written; mend the clock.
        SourceUnavailable: guard state does not answer. A source that is away is no error here: its windows are `no_data`.
    """
    now = deps.clock.now()
    newest = _newest_closed(deps, now)
    with deps.state.transaction() as state:
        through = state.readings.sensed_through(trigger)
        if through is not None and through > now + newest.length:
            there = f"windows up to {iso(through)} are stored, but the clock says {iso(now)}"
            raise BadInputError(f"{trigger.value}: {there}; allowed: a clock that is right")
        new = list(closed_windows(_first_new(deps, trigger, through, newest), newest.end, newest.length))
        young = _young_windows(deps, state, trigger, through, newest)
        usual = _usual_exposures(state.readings, trigger, [*young, *new][0].start) if young or new else []
    if not young and not new:
        return SenseOutcome(trigger, 0, 0, 0, through)
    found = _asked(deps, trigger, [*young, *new], usual, is_first=through is None)
    return _stored(deps, trigger, found, set(young))


def lateness(policy: Policy) -> timedelta:
    """How far back from the end of the newest sensed window late data are still looked for."""
    return max(LATE_DATA, timedelta(seconds=policy.sensing.allowed_lateness_seconds))


def _newest_closed(deps: Dependencies, now: datetime) -> Window:
    length = timedelta(minutes=deps.policy.window_minutes)
    return Window(Window.containing(now, length).start - length, length)


def _first_new(deps: Dependencies, trigger: Trigger, through: datetime | None, newest: Window) -> datetime:
    """Start of the oldest window to load."""
    history = newest.start - timedelta(days=deps.policy.sensing.history_days)
    if through is not None:
        return max(through, history)
    return newest.start if _speaks_of_now_alone(deps, trigger) else history


def _young_windows(
    deps: Dependencies, state: UnitOfWork, trigger: Trigger, through: datetime | None, newest: Window
) -> list[Window]:
    if through is None or _speaks_of_now_alone(deps, trigger):
        return []
    # Counted back from where it looked last: what came late while the health check was down is read as well.
    until = min(through, newest.end)
    return [sensed.window for sensed in state.readings.windows(trigger, until - lateness(deps.policy), until)]


def _speaks_of_now_alone(deps: Dependencies, trigger: Trigger) -> bool:
    return deps.policy.trigger(trigger).source.speaks_of_now_alone


def _asked(deps: Dependencies, trigger: Trigger, windows: list[Window], usual: Sequence[int], *, is_first: bool) -> _Found:
    """Ask the source about windows that follow one another in time."""
    try:
        if _speaks_of_now_alone(deps, trigger):
            return _compared(deps, trigger, windows)
        complete_through = deps.signals.complete_through(trigger)
        readings = deps.signals.readings(trigger, windows[0], windows[-1])
        reasons = deps.signals.unmeasurable(trigger, windows[0], windows[-1])
    except SourceUnavailable as error:
        # Nothing is stored before the source answered once: the first answer brings its history.
        waited = [] if is_first else [window for window in windows if _is_given_up(deps, window)]
        return _Found(waited, [], {window.start: str(error) for window in waited})
    if is_first:
        windows = _since_the_source_began(windows, readings) if complete_through else []
    known = [window for window in windows if complete_through and window.end <= complete_through]
    for window in windows[len(known) :]:
        if _is_given_up(deps, window):
            known.append(window)
            reasons[window.start] = (
                f"the source is complete only through {iso(complete_through) if complete_through else 'no moment'}"
            )
    measured = [window for window in known if window.start not in reasons]
    chance = deps.policy.sensing.missing_data_probability
    return _Found(known, readings, {**missing_windows(measured, exposures(readings), usual, chance), **reasons})


def _compared(deps: Dependencies, trigger: Trigger, windows: list[Window]) -> _Found:
    """Compare now, for the window that has just closed."""
    last, now_closed = windows[-1], _newest_closed(deps, deps.clock.now())
    reasons = {window.start: NO_PAST for window in windows if window != now_closed}
    readings = deps.signals.readings(trigger, last, last) if last == now_closed else []
    if last == now_closed and not readings:
        reasons[last.start] = "the comparison found no players"
    return _Found(windows, readings, reasons)


def _since_the_source_began(windows: list[Window], readings: Sequence[Reading]) -> list[Window]:
    """Leave out windows before the source's first row: they are neither quiet nor missing. The newest one always stays."""
    began = min((reading.window.start for reading in readings), default=windows[-1].start)
    return [window for window in windows if window.start >= began]


def _is_given_up(deps: Dependencies, window: Window) -> bool:
    """Whether a window is waited for no longer."""
    sensing = deps.policy.sensing
    return deps.clock.now() >= window.end + timedelta(seconds=sensing.allowed_lateness_seconds + sensing.give_up_after_seconds)


def _stored(deps: Dependencies, trigger: Trigger, found: _Found, young: set[Window]) -> SenseOutcome:
    now = deps.clock.now()
    sensed = [
        SensedWindow(trigger, window, WindowState.NO_DATA if window.start in found.reasons else WindowState.COMPLETE, reason, now)
        for window in found.windows
        for reason in [found.reasons.get(window.start, "")]
    ]
    complete = {each.window for each in sensed if each.state is WindowState.COMPLETE}
    new = [each for each in sensed if each.window not in young]
    no_data = sum(each.state is WindowState.NO_DATA for each in new)
    with deps.state.transaction() as state:
        revised = state.readings.record(sensed, [reading for reading in found.readings if reading.window in complete])
        outcome = SenseOutcome(trigger, len(new), no_data, revised, state.readings.sensed_through(trigger))
        if new or revised:
            subject, at = f"trigger:{trigger.value}", deps.wall_clock.now()
            state.audit.append(recorded(WindowsSensed(**vars(outcome)), actor="ledger_guard", subject=subject, at=at))
    return outcome


def _usual_exposures(readings: ReadingStore, trigger: Trigger, before: datetime) -> list[int]:
    """The fleet's exposure in the newest complete windows of the day before `before`, oldest first; at most 12."""
    windows = readings.windows(trigger, before - USUAL_WITHIN, before)
    complete = [sensed.window for sensed in windows if sensed.state is WindowState.COMPLETE][-USUAL_WINDOWS:]
    if not complete:
        return []
    totals = exposures(readings.readings(trigger, complete[0].start, complete[-1].end))
    return [totals[window.start] for window in complete]
