"""The state of a remediation after its actions: what was repaired, and whether the signal recovered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import Enum

from ledger_guard.domain.actions import REPAIRS
from ledger_guard.domain.cases_by_hand import work_of
from ledger_guard.domain.facts.backfill import script_ending
from ledger_guard.domain.incidents import ActionStatus, IncidentStatus
from ledger_guard.domain.plans import Plan, RowState
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.remediation.remediate import Case
from ledger_guard.use_cases.remediation.withheld import proposed_targets


class Recovery(str, Enum):
    """The state of a remediation after its actions ended."""

    #: nothing was repaired: nothing to wait for
    NOTHING_REPAIRED = "nothing_repaired"
    #: a repair was refused or failed: people must continue
    NOT_REPAIRED = "not_repaired"
    WAITING = "waiting"
    RECOVERED = "recovered"
    #: repaired, but the signal did not fall within the policy's time
    NOT_RECOVERED = "not_recovered"


def recovery(deps: Dependencies, case: Case) -> Recovery:
    """Whether the signal recovered.

    Marks the incident mitigated when every repair of the policy was done, unless the case was described by hand.
    Only the health check's verdicts end an incident: `no_data` and `insufficient` keep this waiting.
    """
    with deps.state.transaction() as state:
        incident = state.incidents.get(case.incident_id)
        repairs = [action for action in work_of(state.actions.of_incident(case.incident_id)) if action.kind in REPAIRS]
        if incident.is_over:
            return Recovery.RECOVERED
        named = {(kind, target) for kind in case.repairs for target in proposed_targets(deps, case, kind, repairs)}
        if not named:
            return Recovery.NOTHING_REPAIRED
        if any(action.status is ActionStatus.STARTED for action in repairs):
            # another remediation of the same incident is in progress
            return Recovery.WAITING
        newest = {(action.kind, action.target): action.status for action in repairs}
        if any(newest.get(each) is not ActionStatus.DONE for each in named):
            return Recovery.NOT_REPAIRED
        if incident.status is not IncidentStatus.MITIGATED and not case.is_beside_sensed:
            incident = replace(incident, status=IncidentStatus.MITIGATED, mitigated_at=deps.clock.now())
            incident = state.incidents.save(incident)
    ended = max((each.finished_at for each in repairs if each.finished_at), default=None)
    since = (ended if case.is_beside_sensed else incident.mitigated_at) or deps.clock.now()
    patience = timedelta(minutes=deps.policy.mitigation.recover_within_minutes)
    return Recovery.WAITING if deps.clock.now() - since < patience else Recovery.NOT_RECOVERED


def was_repaired(deps: Dependencies, case: Case) -> bool:
    """Whether anything was changed for the incident: a wallet written, or a flag switched."""
    with deps.state.transaction() as state:
        if state.flag_changes.of_incident(case.incident_id):
            return True
        done = {action.target for action in state.actions.of_incident(case.incident_id) if action.kind == "backfill"}
        plans = [plan for plan in state.plans.of_incident(case.incident_id) if plan.tenant_id in done]
        return any(_was_written(state, plan) for plan in plans)


def _was_written(state: UnitOfWork, plan: Plan) -> bool:
    by_guard = state.plans.row_counts(plan.plan_id).get(RowState.APPLIED.value, 0)
    return bool(by_guard or script_ending(state.audit.entries(tenant_id=plan.tenant_id), plan))


def has_readings_since_mitigation(deps: Dependencies, case: Case) -> bool:
    """Whether the signal was read for any tenant of the incident since the repairs."""
    with deps.state.transaction() as state:
        incident = state.incidents.get(case.incident_id)
        if incident.mitigated_at is None:
            return False
        readings = state.readings.readings(incident.trigger, incident.mitigated_at, deps.clock.now())
        return any(reading.exposure and reading.tenant_id in incident.tenants for reading in readings)
