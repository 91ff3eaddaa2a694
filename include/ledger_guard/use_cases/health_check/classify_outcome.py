"""The result of classify, as passed between tasks; a run with nothing to judge repeats the last result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.facts.codec import IncidentId, Seconds, TriggerWord, told_for_certain
from ledger_guard.domain.facts.incidents import WindowsJudged
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Trigger, WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports.guard_state import UnitOfWork


@dataclass(frozen=True)
class ClassifyOutcome:
    """The newest judged window of one trigger, and what it did to the incident."""

    trigger: TriggerWord
    #: windows judged for the first time by this run; 0 when there were no new ones
    judged_windows: int
    change: Change
    #: the incident that changed or continues
    incident_id: IncidentId | None
    #: the incident's, or else the worst verdict of the newest window
    severity: Severity
    scope: Scope
    #: start of the newest judged window; None when none ever was
    window_start: Seconds | None
    #: unreadable windows in a row up to the newest; counted no further back than the policy's time before what was judged
    blind_windows: int = 0
    #: windows judged again because of late data, and the verdicts that changed
    judged_again: int = 0
    verdicts_changed: int = 0

    def has_just_gone_blind(self, after: int) -> bool:
        """Whether this run reached `after` unreadable windows in a row; true once per blind period."""
        return self.blind_windows >= after > self.blind_windows - self.judged_windows and self.change is Change.BLIND


def nothing_new(state: UnitOfWork, trigger: Trigger, incident: Incident | None, length: timedelta) -> ClassifyOutcome:
    """The result of a run without new or revised windows, so that a retried task continues as the last would have.

    `length` is a window's.
    """
    through = state.verdicts.judged_through(trigger)
    if incident is not None:
        judged = state.audit.about(f"incident:{incident.incident_id}", WindowsJudged.verbs)
        if judged:
            return _repeated(trigger, incident, through, told_for_certain(judged[-1], WindowsJudged))
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


def _repeated(trigger: Trigger, incident: Incident, through: datetime | None, last: WindowsJudged) -> ClassifyOutcome:
    """The last run's result, if it is about the newest judged window."""
    is_same = through is not None and last.judged_through == through
    return ClassifyOutcome(
        trigger=trigger,
        judged_windows=0,
        change=last.change if is_same and last.change is not Change.BLIND else Change.CONTINUED,
        incident_id=incident.incident_id,
        severity=incident.severity,
        scope=incident.scope,
        window_start=last.window_start,
    )
