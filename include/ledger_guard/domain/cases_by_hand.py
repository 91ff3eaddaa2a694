"""Cases that a person describes: they stand beside what was sensed, as entries of their own, and never change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.shown_text import quoted
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity

#: the kind of the action that records one; it is no work, and counts as none
BY_HAND = "by_hand"
#: in the detail of an action that a run by hand recorded for itself: who started that run
STARTED_BY = "started_by"


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


def cases_in_words(actions: Sequence[Action]) -> tuple[str, ...]:
    """The cases by hand among an incident's actions, oldest first, in words."""
    return tuple(action.outcome for action in actions if action.kind == BY_HAND)


def is_only_by_hand(incident: Incident, actions: Sequence[Action]) -> bool:
    """Whether nothing was ever sensed of it: it was opened by hand, and no window in alarm has moved its span since."""
    span = {incident.opened_at, incident.first_window_start, incident.last_alarm_window_start}
    return len(span) == 1 and any(action.kind == BY_HAND and action.detail.get("opened") is True for action in actions)


def work_of(actions: Sequence[Action]) -> list[Action]:
    """The actions that are the guard's work: what people start by hand beside it answers for nothing that the policy names."""
    return [action for action in actions if action.kind != BY_HAND and STARTED_BY not in action.detail]
