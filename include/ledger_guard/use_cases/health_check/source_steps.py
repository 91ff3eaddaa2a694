"""A source as one sensing reads it: a bounded number of windows at a time, from known tenants, and not again once it was away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from ledger_guard.domain.errors import SourceUnavailable, UnusableAnswer
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.unknown_tenants import SetApart, TenantList, set_apart
from ledger_guard.domain.windows import UTC, Window, iso
from ledger_guard.ports import Dependencies

#: most windows that are read by one statement and stored by one transaction: two hours of five minutes
WINDOWS_AT_ONCE = 24
#: after so many answers with rows that can't be used it is the source that is wrong, not some windows
MOST_UNUSABLE = 16
_NOT_ASKED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """What a source says of some windows."""

    #: never later than now, whatever the source says
    complete_through: datetime | None
    readings: list[Reading] = field(default_factory=list)
    #: why a window has no data, by its start
    reasons: dict[datetime, str] = field(default_factory=dict)
    #: what tenants have that the platform does not know
    apart: list[SetApart] = field(default_factory=list)


def steps_of(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """These windows, which are in order of time, in groups without gaps, of `WINDOWS_AT_ONCE` at most."""
    step: list[Window] = list(windows[:1])
    for before, window in pairwise(windows):
        if window != before.next or len(step) == WINDOWS_AT_ONCE:
            yield step
            step = []
        step.append(window)
    if step:
        yield step


class SourceSteps:
    """The source of one trigger, for one run."""

    def __init__(self, deps: Dependencies, trigger: Trigger) -> None:
        self._deps = deps
        self._trigger = trigger
        self._complete_through: datetime | None = _NOT_ASKED
        self._unusable = 0
        self._away: SourceUnavailable | None = None
        self._tenants: frozenset[str] | None = None
        #: whether this run has asked the platform which tenants it has
        self._has_asked = False

    def read(self, windows: Sequence[Window]) -> Answer:
        """What the source says of these consecutive windows.

        Rows that can't be used take the data from their own windows only. Raises SourceUnavailable for a source that is away; it
        is not asked again then.
        """
        if self._away is not None:
            raise self._away
        try:
            answer = Answer(self._through())
            self._read(windows, answer)
        except SourceUnavailable as error:
            self._away = error
            raise
        readings, apart = self._of_known_tenants(answer.readings)
        return Answer(answer.complete_through, readings, answer.reasons, apart)

    def _through(self) -> datetime | None:
        """Asked once a run: what is complete at its beginning is so for all of its steps."""
        if self._complete_through is _NOT_ASKED:
            found, now = self._deps.signals.complete_through(self._trigger), self._deps.clock.now()
            if found and found - now > timedelta(seconds=self._deps.policy.sensing.clock_skew_seconds):
                self._remember_ahead(found)
            self._complete_through = min(found, now) if found else None
        return self._complete_through

    def _remember_ahead(self, through: datetime) -> None:
        """One row from the future must not hide that a source lags behind: people are told."""
        words = (
            f"the source says that it is complete through {iso(through)}, ahead of the clock: one of its rows or clocks is wrong"
        )
        with self._deps.state.transaction() as state:
            state.guard_alerts.seen(GuardAlertKind.FUTURE, self._trigger.value, self._deps.wall_clock.now(), words)

    def _read(self, windows: Sequence[Window], answer: Answer) -> None:
        first, last = windows[0], windows[-1]
        try:
            readings = self._deps.signals.readings(self._trigger, first, last)
            reasons = self._deps.signals.unmeasurable(self._trigger, first, last)
        except UnusableAnswer as error:
            self._unusable += 1
            self._read_apart(windows, answer, str(error))
            return
        answer.readings.extend(readings)
        answer.reasons.update(reasons)

    def _read_apart(self, windows: Sequence[Window], answer: Answer, why: str) -> None:
        """Ask for the newer half of these windows, then the older; each by itself in the end, where enough may be tried."""
        middle = len(windows) // 2
        for half in (windows[middle:], windows[:middle]):
            if len(windows) == 1 or self._unusable >= MOST_UNUSABLE:
                answer.reasons.update({window.start: why for window in half})
            else:
                self._read(half, answer)

    def _of_known_tenants(self, readings: list[Reading]) -> tuple[list[Reading], list[SetApart]]:
        """Tenants that are not on the platform's list are asked for once a run, for they may be new.

        Without any list everything counts: the guard must not be blind because the platform was never asked.
        """
        named = {reading.tenant_id for reading in readings}
        if not named:
            return [], []
        if self._tenants is None and not self._has_asked:
            self._tenants = self._listed()
        if self._tenants is None or not named <= self._tenants:
            self._ask()
        return (readings, []) if self._tenants is None else set_apart(readings, self._tenants)

    def _listed(self) -> frozenset[str] | None:
        with self._deps.state.transaction() as state:
            listed = state.tenants.listed()
        return listed.tenant_ids if listed else None

    def _ask(self) -> None:
        """Ask the platform for its tenants; while it is away, or names none, what it said last holds."""
        if self._has_asked:
            return
        self._has_asked = True
        try:
            found = frozenset(self._deps.ledger.tenant_ids())
        except SourceUnavailable:
            return
        if found:
            self._tenants = found
            with self._deps.state.transaction() as state:
                state.tenants.save_list(TenantList(found, self._deps.wall_clock.now()))
