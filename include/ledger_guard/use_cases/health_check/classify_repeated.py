"""What classify says when there was nothing to judge: what the last run said, so that a retried task goes on as it would have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ledger_guard.domain.incident_course import Change
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import iso
from ledger_guard.ports.guard_state import GuardTransaction
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome


def nothing_new(state: GuardTransaction, trigger: Trigger, incident: Incident | None, length: timedelta) -> ClassifyOutcome:
    """The outcome of a run without new or revised windows; `length` is a window's."""
    through = state.verdicts.judged_through(trigger)
    if incident is not None:
        for entry in reversed(list(state.audit.entries(incident_id=incident.incident_id))):
            if entry.event.verb == "classify" and entry.event.subject == f"incident:{incident.incident_id}":
                return _repeated(trigger, incident, through, entry.event.detail)
    sensed = state.readings.windows(trigger, through - length, through) if through else []
    is_blind = not sensed or sensed[-1].state is WindowState.NO_DATA
    change = Change.CONTINUED if incident else Change.BLIND if is_blind else Change.QUIET
    return ClassifyOutcome(
        trigger=trigger,
        judged_windows=0,
        change=change,
        incident_id=incident.incident_id if incident else None,
        severity=incident.severity if incident else Severity.NO_DATA if is_blind else Severity.NONE,
        scope=incident.scope if incident else Scope.ISOLATED,
        window_start=through - length if through else None,
    )


def _repeated(trigger: Trigger, incident: Incident, through: datetime | None, last: Mapping[str, Any]) -> ClassifyOutcome:
    """What the last run said, if it was about the newest judged window."""
    is_same = through is not None and last.get("judged_through") == iso(through)
    said = ClassifyOutcome.from_json(last)
    return ClassifyOutcome(
        trigger=trigger,
        judged_windows=0,
        change=said.change if is_same and said.change is not Change.BLIND else Change.CONTINUED,
        incident_id=incident.incident_id,
        severity=incident.severity,
        scope=incident.scope,
        window_start=said.window_start,
    )
