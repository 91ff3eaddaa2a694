"""Cases that a person describes: they stand beside what was sensed, as entries of their own, and never change it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports.guard_state import GuardTransaction

#: the kind of the action that records one; it is no work, and counts as none
BY_HAND = "by_hand"
_CASES = uuid.UUID("0b0c1c52-6f0e-4b5c-9f0e-5a7a2d3d9c11")


@dataclass(frozen=True)
class CaseByHand:
    """What a person says is the case."""

    trigger: Trigger
    severity: Severity
    scope: Scope
    tenants: tuple[str, ...]
    #: their own words
    reason: str
    by: str
    run_id: str

    @property
    def words(self) -> str:
        """For people: who says what, with their words as theirs."""
        why = f"and wrote {quoted(self.reason)}" if self.reason.strip() else "and gave no reason"
        return f"by hand, no reading says it: {self.by} calls it {self.severity.value}, {self.scope.value} {why}"


def join_or_open(state: GuardTransaction, case: CaseByHand, now: datetime) -> Incident:
    """Record the case on the trigger's unresolved incident, which stays as it is; or on one that is opened for it.

    Severity, scope, tenants, evidence and status of an incident that stands are not touched, so that no question that waits
    is voided. A run records its case once, however often it is tried.
    """
    standing = state.incidents.open_for(case.trigger)
    incident = standing or Incident(
        incident_id=new_id(),
        trigger=case.trigger,
        status=IncidentStatus.OPEN,
        severity=case.severity,
        scope=case.scope,
        tenants=case.tenants,
        opened_at=now,
        first_window_start=now,
        last_alarm_window_start=now,
        summary=case.words,
    )
    if standing is None:
        state.incidents.add(incident)
    detail: dict[str, object] = {
        "by": case.by,
        "severity": case.severity.value,
        "scope": case.scope.value,
        "tenants": list(case.tenants),
        "reason": case.reason,
        "run_id": case.run_id,
        "opened": standing is None,
    }
    action_id = str(uuid.uuid5(_CASES, f"{incident.incident_id} {case.run_id}"))
    action = Action(action_id, incident.incident_id, BY_HAND, "", ActionStatus.DONE, now, now, outcome=case.words, detail=detail)
    state.actions.start(action)
    return incident


def cases_in_words(actions: Sequence[Action]) -> tuple[str, ...]:
    """The cases by hand among an incident's actions, oldest first, in words."""
    return tuple(action.outcome for action in actions if action.kind == BY_HAND)


def is_only_by_hand(incident: Incident, actions: Sequence[Action]) -> bool:
    """Whether nothing was ever sensed of it: it was opened by hand, and no window in alarm has moved its span since."""
    span = {incident.opened_at, incident.first_window_start, incident.last_alarm_window_start}
    return len(span) == 1 and any(action.kind == BY_HAND and action.detail.get("opened") is True for action in actions)


def work_of(actions: Sequence[Action]) -> list[Action]:
    """The actions that are work."""
    return [action for action in actions if action.kind != BY_HAND]
