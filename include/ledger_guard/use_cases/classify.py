"""classify: judge what was sensed, and open, escalate, continue or resolve the trigger's incident."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from ledger_guard.detection.engine import SeverityEngine, WindowBatch
from ledger_guard.detection.registry import make_engine
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.verdicts import Scope, Severity, Verdict, worst
from ledger_guard.domain.windows import Window, iso
from ledger_guard.ports import Guard, GuardTransaction
from ledger_guard.use_cases.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.incident_course import Change, CourseRules, next_step
from ledger_guard.use_cases.quarantine import quarantined_tenants

__all__ = ["ClassifyOutcome", "classify"]

#: alarms older than this, seen from the newest window, open no incident any more: they are history
FRESH = timedelta(hours=1)
#: quiet verdicts older than this are not stored; alarms always are
KEPT = timedelta(days=1)
_NEWS = (Change.OPENED, Change.ESCALATED, Change.RESOLVED)


def classify(guard: Guard, trigger: Trigger) -> ClassifyOutcome:
    """Judge all windows that were sensed and not judged, in order of time, and carry the incident on.

    Verdicts, the engine's memory, the incident and the audit entry are stored in one transaction. The first run judges the
    whole history to learn from it; alarms older than an hour open nothing. Run again without new windows it stores nothing
    and reports what the last run did, so that a retried task goes on as the first would have.

    Raises:
        SourceUnavailable: guard state is away. Start again when it is back.
        SafetyRefusal: the incident was changed at the same moment. Start again; nothing was stored.
    """
    with guard.state.transaction() as state:
        return _Classification(guard, trigger, state).run()


class _Classification:
    """One run within one transaction."""

    def __init__(self, guard: Guard, trigger: Trigger, state: GuardTransaction) -> None:
        self._guard = guard
        self._trigger = trigger
        self._state = state
        self._now = guard.clock.now()
        self._judged_through = state.verdicts.judged_through(trigger)
        self._incident = state.incidents.open_for(trigger)
        self._news: tuple[Change, Incident] | None = None

    def run(self) -> ClassifyOutcome:
        engine, learned_through = self._engine()
        start = learned_through or self._now - timedelta(days=self._guard.policy.sensing.history_days)
        windows = self._state.readings.windows(self._trigger, start, self._now)
        if not windows:
            return self._nothing_new()
        by_window: dict[datetime, list[Reading]] = defaultdict(list)
        for reading in self._state.readings.readings(self._trigger, start, self._now):
            by_window[reading.window.start].append(reading)
        newest = windows[-1].window
        verdicts: list[Verdict] = []
        for sensed in windows:
            quarantined = quarantined_tenants(self._state, self._incident, sensed.window)
            verdicts = list(engine.judge(_batch(sensed, by_window.get(sensed.window.start, ()), quarantined)))
            self._go_on(sensed.window, newest, verdicts)
        self._state.verdicts.save_engine_state(self._trigger, newest.end, self._now, engine.dump())
        outcome = self._outcome(windows, verdicts)
        self._audit(outcome, newest, verdicts)
        return outcome

    def _engine(self) -> tuple[SeverityEngine, datetime | None]:
        """The engine, and the end of the newest window that it has learned from."""
        engine = make_engine(self._guard.policy, self._trigger)
        saved = self._state.verdicts.engine_state(self._trigger)
        if saved is None:
            return engine, None
        try:
            engine.load(saved)
        except ValueError:
            # Saved by another version of the rule: learn from the stored history again.
            return make_engine(self._guard.policy, self._trigger), None
        return engine, self._judged_through

    def _go_on(self, window: Window, newest: Window, verdicts: Sequence[Verdict]) -> None:
        """Take the incident through one window, and store the window's verdicts."""
        was_judged = self._judged_through is not None and window.end <= self._judged_through
        is_fresh = window.start >= newest.end - FRESH
        follows = self._incident is not None and self._judged_through is not None
        if not was_judged and (is_fresh or follows):
            self._step(window, verdicts)
        kept = [each for each in verdicts if each.severity.is_alarm or window.start >= newest.end - KEPT]
        if not was_judged and kept:
            self._record(kept)

    def _step(self, window: Window, verdicts: Sequence[Verdict]) -> None:
        policy = self._guard.policy
        before = self._incident
        rules = CourseRules(policy.detection_of(self._trigger).resolve_after_windows, policy.notification.list_at_most)
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
        ours = [each for each in verdicts if incident and each.tenant_id in incident.tenants]
        others = [each for each in verdicts if not incident or each.tenant_id not in incident.tenants]
        if incident and ours:
            self._state.verdicts.record(ours, incident.incident_id)
        if others:
            self._state.verdicts.record(others, None)
        if incident and incident.is_over:
            self._incident = None

    def _outcome(self, windows: Sequence[SensedWindow], verdicts: Sequence[Verdict]) -> ClassifyOutcome:
        newest = windows[-1]
        incident = self._incident
        if self._news:
            change, incident = self._news
        elif newest.state is WindowState.NO_DATA:
            change = Change.BLIND
        else:
            change = Change.CONTINUED if incident else Change.QUIET
        return ClassifyOutcome(
            trigger=self._trigger,
            judged_windows=len(windows),
            change=change,
            incident_id=incident.incident_id if incident else None,
            severity=incident.severity if incident else _gravest(verdicts),
            scope=incident.scope if incident else Scope.ISOLATED,
            window_start=newest.window.start,
            blind_windows=self._blind_windows(newest.window, len(windows)),
        )

    def _blind_windows(self, newest: Window, judged: int) -> int:
        """How many windows up to the newest were unreadable in a row, counted a little further back than what was judged."""
        windows = self._state.readings.windows(self._trigger, newest.end - (judged + 2) * newest.length, newest.end)
        blind = 0
        for sensed in reversed(windows):
            if sensed.state is not WindowState.NO_DATA:
                break
            blind += 1
        return blind

    def _audit(self, outcome: ClassifyOutcome, newest: Window, verdicts: Sequence[Verdict]) -> None:
        counts = Counter(each.severity.value for each in verdicts)
        detail = {**outcome.as_json(), "judged_through": iso(newest.end), "verdicts_of_newest_window": dict(counts)}
        subject = f"incident:{outcome.incident_id}" if outcome.incident_id else f"trigger:{self._trigger.value}"
        at = self._guard.wall_clock.now()
        self._state.audit.append(AuditEvent("classify", "ledger_guard", subject, detail, at, incident_id=outcome.incident_id))

    def _nothing_new(self) -> ClassifyOutcome:
        if self._incident is not None:
            for entry in reversed(list(self._state.audit.entries(incident_id=self._incident.incident_id))):
                if entry.event.verb == "classify" and entry.event.subject == f"incident:{self._incident.incident_id}":
                    return self._repeated(self._incident, entry.event.detail)
        length = timedelta(minutes=self._guard.policy.window_minutes)
        through = self._judged_through
        sensed = self._state.readings.windows(self._trigger, through - length, through) if through else []
        is_blind = not sensed or sensed[-1].state is WindowState.NO_DATA
        change = Change.CONTINUED if self._incident else Change.BLIND if is_blind else Change.QUIET
        return ClassifyOutcome(
            trigger=self._trigger,
            judged_windows=0,
            change=change,
            incident_id=self._incident.incident_id if self._incident else None,
            severity=self._incident.severity if self._incident else Severity.NO_DATA if is_blind else Severity.NONE,
            scope=self._incident.scope if self._incident else Scope.ISOLATED,
            window_start=through - length if through else None,
        )

    def _repeated(self, incident: Incident, last: Mapping[str, Any]) -> ClassifyOutcome:
        """What the last run said, if it was about the newest judged window."""
        is_same = self._judged_through is not None and last.get("judged_through") == iso(self._judged_through)
        said = ClassifyOutcome.from_json(last)
        return ClassifyOutcome(
            trigger=self._trigger,
            judged_windows=0,
            change=said.change if is_same and said.change is not Change.BLIND else Change.CONTINUED,
            incident_id=incident.incident_id,
            severity=incident.severity,
            scope=incident.scope,
            window_start=said.window_start,
        )


def _batch(sensed: SensedWindow, readings: Iterable[Reading], quarantined: frozenset[str]) -> WindowBatch:
    ordered = sorted(readings, key=lambda reading: reading.tenant_id)
    return WindowBatch(
        window=sensed.window,
        tenant_ids=tuple(reading.tenant_id for reading in ordered),
        events=np.array([reading.events for reading in ordered], dtype=np.int64),
        exposure=np.array([reading.exposure for reading in ordered], dtype=np.float64),
        subjects=np.array([reading.subjects for reading in ordered], dtype=np.float64),
        is_complete=sensed.state is WindowState.COMPLETE,
        incomplete_reason=sensed.reason,
        quarantined=quarantined,
    )


def _gravest(verdicts: Iterable[Verdict]) -> Severity:
    found = Severity.NO_DATA
    for verdict in verdicts:
        found = worst(found, verdict.severity)
    return found
