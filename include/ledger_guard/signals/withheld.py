"""Withheld repairs: which ones triage advises against, and whether it still does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_guard.domain.cases_by_hand import work_of
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.signals.registry import signal_of
from ledger_guard.signals.signal import Against

#: marks the record of an action that was not proposed
WITHHELD = "withheld"


@dataclass(frozen=True)
class Matter:
    """What repairs are proposed for."""

    trigger: Trigger
    severity: Severity
    scope: Scope
    tenants: tuple[str, ...]


def is_withheld(action: Action | None) -> bool:
    """Whether the action was not proposed because of what triage found."""
    return action is not None and WITHHELD in action.detail


def withheld_now(actions: Sequence[Action]) -> list[Action]:
    """Repairs whose newest record says that they were not proposed."""
    newest = {(action.kind, action.target): action for action in work_of(actions)}
    return [action for action in newest.values() if is_withheld(action)]


def no_longer_speaks_against(deps: Dependencies, incident: Incident, actions: Sequence[Action]) -> bool:
    """Whether a repair that was withheld for the incident would be proposed now.

    A source that does not answer changes nothing: the next check may decide.
    """
    held = withheld_now(actions)
    if not held:
        return False
    try:
        against = signal_of(deps.policy, incident.trigger).against_now(deps, incident)
    except SourceUnavailable:
        return False
    matter = Matter(incident.trigger, incident.severity, incident.scope, incident.tenants)
    return any(not why_not(deps.policy, matter, action.target, against) for action in held)


def why_not(policy: Policy, matter: Matter, target: str, against: Against) -> str:
    """Why a target gets no run; empty when it gets one.

    The global flag is left alone when triage advises against a rollback in every tenant, or when the remaining tenants are too
    few for a widespread incident and the policy has no rollback for an isolated one.
    """
    if target != policy.trigger(matter.trigger).flag:
        return against.get(target.rpartition("@")[2], "")
    left = [tenant for tenant in matter.tenants if tenant not in against]
    if len(left) == len(matter.tenants):
        return ""
    why = next(iter(against.values()))
    if not left:
        return why
    isolated = policy.row_for(matter.trigger, matter.severity, Scope.ISOLATED)
    is_few = len(left) < policy.detection_of(matter.trigger).widespread_minimum_tenants
    if matter.scope is Scope.WIDESPREAD and is_few and "roll_back" not in isolated.actions:
        return f"in {len(matter.tenants) - len(left)} of {len(matter.tenants)} tenants {why}; the others alone are isolated"
    return ""
