"""Cases described by a person: separate records beside the sensed evidence, which they never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity

#: the kind of the action that records one; it does not count as work
BY_HAND = "by_hand"
#: key in the detail of an action that a run by hand recorded for itself: who started that run
STARTED_BY = "started_by"


@dataclass(frozen=True)
class CaseByHand:
    """A case as a person describes it."""

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
        """For people: who says what, with their words quoted."""
        why = f"and wrote {quoted(self.reason)}" if self.reason.strip() else "and gave no reason"
        return f"by hand, without readings: {self.by} calls it {self.severity.value}, {self.scope.value} {why}"


def cases_in_words(actions: Sequence[Action]) -> tuple[str, ...]:
    """The cases by hand among an incident's actions, oldest first, in words."""
    return tuple(action.outcome for action in actions if action.kind == BY_HAND)


def is_only_by_hand(incident: Incident, actions: Sequence[Action]) -> bool:
    """Whether nothing was sensed for it: it was opened by hand, and no window in alarm has extended it since."""
    span = {incident.opened_at, incident.first_window_start, incident.last_alarm_window_start}
    return len(span) == 1 and any(action.kind == BY_HAND and action.detail.get("opened") is True for action in actions)


def work_of(actions: Sequence[Action]) -> list[Action]:
    """The guard's own actions: those that people start by hand do not count as actions of the policy."""
    return [action for action in actions if action.kind != BY_HAND and STARTED_BY not in action.detail]
