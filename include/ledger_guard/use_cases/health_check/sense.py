"""sense: load readings of every closed window since the last one, and record `no_data` where the source has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.facts.codec import Seconds, TriggerWord, recorded
from ledger_guard.domain.facts.records import WindowsSensed
from ledger_guard.domain.missing_data import USUAL_WITHIN
from ledger_guard.domain.money_at_risk import with_ages
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.unknown_tenants import SetApart
from ledger_guard.domain.windows import Window, closed_windows, iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.health_check.compare import compare_now
from ledger_guard.use_cases.health_check.late_look import look_for_late_rows
from ledger_guard.use_cases.health_check.missing import why_no_data
from ledger_guard.use_cases.health_check.oddities import remember_oddities
from ledger_guard.use_cases.health_check.source_steps import SourceSteps, steps_of

NO_PAST = "a comparison of balances can't be made for the past"


@dataclass(frozen=True)
class SenseOutcome:
    """What one sensing stored."""

    trigger: TriggerWord
    #: windows stored for the first time
    windows: int
    #: number of these that could not be read
    no_data: int
    #: windows that late data changed
    revised: int
    #: end of the newest sensed window; None when none ever was
    sensed_through: Seconds | None

    def followed_by(self, other: SenseOutcome) -> SenseOutcome:
        """What both stored together, `other` the newer."""
        sums = (self.windows + other.windows, self.no_data + other.no_data, self.revised + other.revised)
        return SenseOutcome(self.trigger, *sums, other.sensed_through)


@dataclass(frozen=True)
class _Found:
    """The source's readings; `reasons` names the windows without any."""

    windows: Sequence[Window]
    readings: Sequence[Reading]
    reasons: Mapping[datetime, str]
    #: what there was of tenants that the platform does not have
    apart: Sequence[SetApart] = ()
    #: of a comparison: what the next one goes on from
    left: LastComparison | None = None

    @property
    def complete(self) -> list[Window]:
        """Windows that have data."""
        return [window for window in self.windows if window.start not in self.reasons]


def is_ready(deps: Dependencies, trigger: Trigger) -> bool:
    """Whether `sense` can store something now that waiting would not improve.

    True when the newest closed window is complete at its source or already stored; when an older window is complete and the
    newest has had its allowed lateness; and when the oldest unstored window has waited until the policy gives up. Until then it
    waits for a source that does not answer. Before anything was ever stored, it does not wait for a source that is down or far
    behind.
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
    complete_through = min(complete_through, now)
    if through is None and _is_given_up(deps, Window(complete_through, newest.length)):
        return True
    newest_was_late = now >= newest.end + timedelta(seconds=deps.policy.sensing.allowed_lateness_seconds)
    return has_waited or complete_through >= newest.end or (newest_was_late and complete_through >= oldest.end)


def sense(deps: Dependencies, trigger: Trigger) -> SenseOutcome:
    """Store readings of every closed window since the last sensed one, and re-read recent ones for late data.

    The first run goes back `history_days`; no run goes further. A comparison of balances begins with the newest window, and
    skipped windows are `no_data`. A window that is incomplete at its source is left for later until the policy gives up; then it
    is `no_data` with the reason, never quiet. Running it again changes nothing. Many windows, as after an outage, are read and
    stored in steps of two hours: a killed run goes on behind the last one.

    Raises:
        BadInputError: windows are stored that lie in the future. Nothing was written; mend the clock.
        SourceUnavailable: guard state does not answer. A source that is down is no error: its windows are `no_data`.
    """
    now = deps.clock.now()
    newest = _newest_closed(deps, now)
    with deps.state.transaction() as state:
        through = state.readings.sensed_through(trigger)
        if through is not None and through > now + newest.length:
            there = f"windows up to {iso(through)} are stored, but the clock says {iso(now)}"
            raise BadInputError(f"{trigger.value}: {there}; allowed: a correct clock")
        new = list(closed_windows(_first_new(deps, trigger, through, newest), newest.end, newest.length))
        young = _young_windows(deps, state, trigger, through, newest)
    source, outcome = SourceSteps(deps, trigger), SenseOutcome(trigger, 0, 0, 0, through)
    steps = list(steps_of([*young, *new]))
    for step in steps:
        found = _asked(deps, trigger, source, step, is_first=outcome.sensed_through is None, is_last=step[-1] == newest)
        if found.windows:
            outcome = outcome.followed_by(_stored(deps, trigger, found, set(young)))
        # a new guard's history is no news
        is_news = through is not None or step is steps[-1]
        if is_news and not _speaks_of_now_alone(deps, trigger):
            remember_oddities(deps, trigger, found.complete, found.readings, is_one_of_several=len(steps) > 1)
    if new and deps.policy.trigger(trigger).source.is_counted_elsewhere:
        look_for_late_rows(deps, trigger, source, newest)
    return outcome


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
    # Counted back from the last check: data that came late while the health check was down are read too.
    until = min(through, newest.end)
    return [sensed.window for sensed in state.readings.windows(trigger, until - deps.policy.lateness, until)]


def _speaks_of_now_alone(deps: Dependencies, trigger: Trigger) -> bool:
    return deps.policy.trigger(trigger).source.speaks_of_now_alone


def _asked(
    deps: Dependencies, trigger: Trigger, source: SourceSteps, windows: list[Window], *, is_first: bool, is_last: bool
) -> _Found:
    """Read consecutive windows from the source. `is_first`: nothing was ever stored; `is_last`: they end with the newest."""
    try:
        if _speaks_of_now_alone(deps, trigger):
            return _compared(deps, trigger, windows)
        answer = source.read(windows)
    except SourceUnavailable as error:
        # Nothing is stored before the source's first answer, which brings its history.
        waited = [] if is_first else [window for window in windows if _is_given_up(deps, window)]
        return _Found(waited, [], {window.start: str(error) for window in waited})
    through, reasons = answer.complete_through, dict(answer.reasons)
    if is_first:
        windows = _since_the_source_began(windows, answer.readings, is_last=is_last) if through else []
    known = [window for window in windows if through and window.end <= through]
    for window in windows[len(known) :]:
        if _is_given_up(deps, window):
            known.append(window)
            reasons[window.start] = f"the source is complete only through {iso(through) if through else 'no moment'}"
    measured = [window for window in known if window.start not in reasons]
    return _Found(known, answer.readings, {**why_no_data(deps, trigger, measured, answer), **reasons}, answer.apart)


def _compared(deps: Dependencies, trigger: Trigger, windows: list[Window]) -> _Found:
    """Compare balances now, for the window that just closed."""
    last, now_closed = windows[-1], _newest_closed(deps, deps.clock.now())
    reasons = {window.start: NO_PAST for window in windows if window != now_closed}
    found = compare_now(deps, trigger, last) if last == now_closed else ComparedBalances([])
    readings = _aged(deps, trigger, found.readings, last) if found.readings else []
    if last == now_closed and not readings:
        reasons[last.start] = "the comparison found no players"
    return _Found(windows, readings, reasons, left=found.left)


def _aged(deps: Dependencies, trigger: Trigger, readings: Sequence[Reading], window: Window) -> list[Reading]:
    """Compared readings, with the age of their differences told from the last compared window of the day before."""
    with deps.state.transaction() as state:
        windows = state.readings.windows(trigger, window.start - USUAL_WITHIN, window.start)
        compared = [sensed.window for sensed in windows if sensed.state is WindowState.COMPLETE][-1:]
        before = state.readings.readings(trigger, compared[0].start, compared[0].end) if compared else []
    return with_ages(readings, before)


def _since_the_source_began(windows: list[Window], readings: Sequence[Reading], *, is_last: bool) -> list[Window]:
    """Leave out windows before the source's first row: they are neither quiet nor missing. The newest window always stays."""
    began = min((reading.window.start for reading in readings), default=windows[-1].start if is_last else windows[-1].end)
    return [window for window in windows if window.start >= began]


def _is_given_up(deps: Dependencies, window: Window) -> bool:
    """Whether the policy gives up waiting for a window."""
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
        state.tenants.set_apart(trigger, found.windows[0].start, found.windows[-1].end, found.apart)
        if found.left is not None:
            # with the readings or not at all: the next window goes on from a comparison that was recorded
            state.comparisons.keep(trigger, found.left)
        outcome = SenseOutcome(trigger, len(new), no_data, revised, state.readings.sensed_through(trigger))
        if new or revised:
            subject, at = f"trigger:{trigger.value}", deps.wall_clock.now()
            state.audit.append(recorded(WindowsSensed(**vars(outcome)), actor="ledger_guard", subject=subject, at=at))
    return outcome
