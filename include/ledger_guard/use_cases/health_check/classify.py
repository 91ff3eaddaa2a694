"""classify: judge new windows, re-judge windows changed by late data, and update the trigger's incident."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import numpy as np

from ledger_guard.detection.engine import SEVERITIES, WindowResult
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import WindowsJudged
from ledger_guard.domain.incident_lifecycle import Change, LifecycleRules, next_step
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.money_at_risk import with_money
from ledger_guard.domain.signals import MoneyAtRisk, SensedWindow, Trigger, WindowState
from ledger_guard.domain.verdicts import Scope, Severity, Verdict, worst
from ledger_guard.domain.windows import Window
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.registry import nouns_of
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome, nothing_new
from ledger_guard.use_cases.health_check.classify_revision import Revision
from ledger_guard.use_cases.health_check.classify_windows import (
    Checkpoints,
    Start,
    batch,
    quarantined_tenants,
    starting_point,
    with_readings,
)

__all__ = ["ClassifyOutcome", "classify"]

#: alarms older than this, counted from the newest window, open no incident: they are history
FRESH = timedelta(hours=1)
#: quiet verdicts older than this are not stored; alarms always are
KEPT = timedelta(days=1)
_NEWS = (Change.OPENED, Change.ESCALATED, Change.RESOLVED)
_MILD = SEVERITIES.index(Severity.MILD)


def classify(deps: Dependencies, trigger: Trigger) -> ClassifyOutcome:
    """Judge all sensed, unjudged windows in order of time, and update the incident.

    Windows changed by late data are judged again first, with all windows after them, so that verdicts and engine state match the
    final readings. Earlier decisions remain: a verdict that became worse can open or escalate the incident while it is fresh; one
    that became milder closes nothing.

    Verdicts, engine state, incident and audit entry are stored in one transaction. The first run judges the whole history to
    learn from it; alarms older than an hour open nothing. Without new or revised windows a run stores nothing and returns the
    result of the last run, so a retried task continues as the first would have.

    Raises:
        SourceUnavailable: guard state does not answer. Start again when it is back.
        SafetyRefusal: the incident was changed at the same time; nothing was stored. Start again.
    """
    with deps.state.transaction() as state:
        return _Classification(deps, trigger, state).run()


class _Classification:
    """One run within one transaction."""

    def __init__(self, deps: Dependencies, trigger: Trigger, state: UnitOfWork) -> None:
        self._deps = deps
        self._trigger = trigger
        self._state = state
        self._now = deps.clock.now()
        self._judged_through = state.verdicts.judged_through(trigger)
        self._incident = state.incidents.open_for(trigger)
        self._news: tuple[Change, Incident] | None = None
        self._revision = Revision((), 0)
        self._money: Mapping[str, MoneyAtRisk | None] = {}

    def run(self) -> ClassifyOutcome:
        # Windows are listed before their readings are read: the next run finds a revision in between.
        start = self._start()
        if start is None:
            length = timedelta(minutes=self._deps.policy.window_minutes)
            return nothing_new(self._state, self._trigger, self._incident, length)
        self._revision = Revision(start.revised, self._deps.policy.notification.list_at_most)
        newest = start.windows[-1].window
        judged = self._judge(start, newest)
        self._state.verdicts.save_engine_state(self._trigger, newest.end, self._now, start.engine.dump())
        outcome = self._outcome(start.windows, judged)
        self._audit(outcome, newest, judged)
        return outcome

    def _start(self) -> Start | None:
        policy = self._deps.policy
        nouns = nouns_of(policy, self._trigger)
        return starting_point(
            self._state,
            self._trigger,
            lambda: make_engine(policy, self._trigger, nouns=nouns),
            self._now,
            lateness=policy.lateness,
            history=timedelta(days=policy.sensing.history_days),
        )

    def _judge(self, start: Start, newest: Window) -> WindowResult:
        """Feed the engine and update the incident; returns the newest window's verdicts."""
        checkpoints = Checkpoints(
            self._state.replay,
            self._trigger,
            self._deps.policy.lateness,
            seen_through=start.seen_through,
            newest_end=newest.end,
        )
        for sensed, readings in with_readings(self._state.readings, self._trigger, start.windows):
            checkpoints.before(sensed, start.engine)
            known = start.judged_revisions.get(sensed.window.start)
            # A re-judged window keeps the quarantine of its time: the incident may have grown or ended since.
            quarantined = known.quarantined if known else quarantined_tenants(self._state, self._incident, sensed.window)
            judged = start.engine.judge(batch(sensed, readings, quarantined))
            checkpoints.judged(sensed, quarantined)
            self._money = {reading.tenant_id: reading.money for reading in readings}
            if not self._was_judged(sensed.window):
                self._go_on(sensed.window, newest, judged)
            elif self._revision.concerns(sensed.window):
                self._revise(sensed.window, newest, judged)
        checkpoints.close()
        return judged

    def _was_judged(self, window: Window) -> bool:
        return self._judged_through is not None and window.end <= self._judged_through

    def _go_on(self, window: Window, newest: Window, judged: WindowResult) -> None:
        """Update the incident with a window judged for the first time, and store its verdicts."""
        is_fresh = window.start >= newest.end - FRESH
        is_young = window.start >= newest.end - KEPT
        indices = range(len(judged)) if is_young else np.flatnonzero(judged.severity >= _MILD).tolist()
        verdicts = self._with_money(judged.verdict(index) for index in indices)
        follows = self._incident is not None and self._judged_through is not None
        if is_fresh or follows:
            self._step(window, verdicts)
        self._record(verdicts)

    def _revise(self, window: Window, newest: Window, judged: WindowResult) -> None:
        """Replace a window's stored verdicts, and update the incident with worse ones that are fresh."""
        stored = self._state.verdicts.between(self._trigger, window.start, window.end)
        difference = self._revision.compare(stored, self._with_money(judged))
        if difference.late_alarms and window.start >= newest.end - FRESH:
            self._step(window, difference.late_alarms)
        if difference.withdrawn:
            self._state.verdicts.withdraw(self._trigger, window, difference.withdrawn)
        self._record(difference.changed)

    def _with_money(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """The verdicts of the window that is being judged, with the money of their readings."""
        currency = self._deps.policy.platform.currency
        return [with_money(verdict, self._money.get(verdict.tenant_id), currency) for verdict in verdicts]

    def _step(self, window: Window, verdicts: Sequence[Verdict]) -> None:
        policy = self._deps.policy
        before = self._incident
        rules = LifecycleRules(policy.detection_of(self._trigger).resolve_after_windows, policy.notification.list_at_most)
        actions = self._state.actions.of_incident(before.incident_id) if before else []
        step = next_step(before, self._trigger, window, verdicts, actions, self._now, rules)
        after = step.incident
        if before is None and after is not None:
            self._state.incidents.add(after)
        elif after is not None and after != before:
            after = self._state.incidents.save(after)
        if after is not None and step.change in _NEWS:
            self._news = (step.change, after)
        self._incident = after

    def _record(self, verdicts: Sequence[Verdict]) -> None:
        incident = self._incident
        theirs = frozenset(incident.tenants if incident else ())
        ours = [each for each in verdicts if each.tenant_id in theirs]
        others = [each for each in verdicts if each.tenant_id not in theirs]
        if incident and ours:
            self._state.verdicts.record(ours, incident.incident_id)
        if others:
            self._state.verdicts.record(others, None)
        if incident and incident.is_over:
            self._incident = None

    def _outcome(self, windows: Sequence[SensedWindow], judged: WindowResult) -> ClassifyOutcome:
        newest = windows[-1]
        new = sum(not self._was_judged(each.window) for each in windows)
        incident = self._incident
        if self._news:
            change, incident = self._news
        elif newest.state is WindowState.NO_DATA:
            change = Change.BLIND
        else:
            change = Change.CONTINUED if incident else Change.QUIET
        return ClassifyOutcome(
            trigger=self._trigger,
            judged_windows=new,
            change=change,
            incident_id=incident.incident_id if incident else None,
            severity=incident.severity if incident else _gravest(judged),
            scope=incident.scope if incident else Scope.ISOLATED,
            window_start=newest.window.start,
            blind_windows=self._blind_windows(newest.window, new),
            judged_again=self._revision.windows,
            verdicts_changed=self._revision.verdicts_changed,
        )

    def _blind_windows(self, newest: Window, judged: int) -> int:
        """How many of the newest windows in a row were unreadable, counted a little further back than what was judged."""
        reach = (judged + self._deps.policy.blind_windows) * newest.length
        windows = self._state.readings.windows(self._trigger, newest.end - reach, newest.end)
        blind = 0
        for sensed in reversed(windows):
            if sensed.state is not WindowState.NO_DATA:
                break
            blind += 1
        return blind

    def _audit(self, outcome: ClassifyOutcome, newest: Window, judged: WindowResult) -> None:
        counts = Counter(SEVERITIES[code].value for code in judged.severity.tolist())
        fact = WindowsJudged(
            **vars(outcome),
            judged_through=newest.end,
            verdicts_of_newest_window=dict(counts),
            late_data=self._revision.late_data,
        )
        subject = f"incident:{outcome.incident_id}" if outcome.incident_id else f"trigger:{self._trigger.value}"
        at = self._deps.wall_clock.now()
        event = recorded(fact, actor="ledger_guard", subject=subject, at=at, incident_id=outcome.incident_id)
        self._state.audit.append(event)


def _gravest(judged: WindowResult) -> Severity:
    found = Severity.NO_DATA
    for code in set(judged.severity.tolist()):
        found = worst(found, SEVERITIES[code])
    return found
