"""Remediation: open a case, start what the policy names, wait for it, see whether the signal recovered."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ledger_guard.domain.actions import DAG_OF_ACTION, REPAIRS, rollback_target
from ledger_guard.domain.cases_by_hand import BY_HAND, CaseByHand, is_only_by_hand
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.incidents import CaseTaken
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid, new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import mode_of_row
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.granted_runs import as_airflow_run, grant_run
from ledger_guard.use_cases.approvals.own_actions import finish_action


@dataclass(frozen=True)
class Case:
    """What one remediation run works on."""

    incident_id: str
    trigger: str
    severity: str
    scope: str
    tenants: tuple[str, ...]
    #: words of the policy's matrix row, `notify` left out
    actions: tuple[str, ...]
    flag: str
    requested_by: str
    #: names the child runs of this remediation
    run_key: str
    #: described by hand beside a sensed incident: its end does not affect that incident
    is_beside_sensed: bool = False
    #: its matrix row only records what it would do
    is_shadow: bool = False

    @property
    def repairs(self) -> tuple[str, ...]:
        """What it changes on the platform."""
        return () if self.is_shadow else tuple(kind for kind in REPAIRS if kind in self.actions)


def open_case(deps: Dependencies, params: Mapping[str, Any], requested_by: str, run_id: str) -> Case:
    """Take up an incident: the one named by `params["incident_id"]`, or one described by hand.

    By hand, `params` has trigger, severity, scope and tenants. This is recorded beside the sensed evidence, on the trigger's
    unresolved incident (which it does not change) or on one opened for it. The policy's matrix row decides what will be done.

    Raises:
        BadInputError: an unknown word, incident or tenant, or no tenant for an isolated case. Nothing was stored.
    """
    described = _incident_named(deps, params) or _case_by_hand(deps, params, requested_by, run_id)
    with deps.state.transaction() as state:
        incident = join_or_open(state, described, deps.clock.now()) if isinstance(described, CaseByHand) else described
        if incident.is_over:
            raise BadInputError(f"incident {incident.incident_id}: is resolved; allowed: an incident that is not")
        row = deps.policy.row_for(described.trigger, described.severity, described.scope)
        mode = mode_of_row(state.audit, deps.policy.modes, row.name)
        current = state.incidents.get(incident.incident_id)
        is_of_the_incident = described is incident or is_only_by_hand(current, state.actions.of_incident(incident.incident_id))
        if current.status is IncidentStatus.OPEN and is_of_the_incident:
            state.incidents.save(replace(current, status=IncidentStatus.MITIGATING))
        state.audit.append(
            recorded(
                CaseTaken(
                    run_id=run_id,
                    actions=row.actions,
                    severity=row.severity.value,
                    scope=described.scope.value,
                    by_hand=isinstance(described, CaseByHand),
                    mode=mode.mode,
                ),
                actor=requested_by,
                subject=f"incident:{incident.incident_id}",
                at=deps.wall_clock.now(),
                incident_id=incident.incident_id,
            )
        )
    return Case(
        incident_id=incident.incident_id,
        trigger=incident.trigger.value,
        severity=described.severity.value,
        scope=described.scope.value,
        tenants=described.tenants,
        actions=tuple(word for word in row.actions if word != "notify"),
        flag=deps.policy.trigger(incident.trigger).flag,
        requested_by=requested_by,
        run_key=hashlib.sha256(run_id.encode()).hexdigest()[:10],
        is_beside_sensed=not is_of_the_incident,
        is_shadow=mode.mode is Mode.SHADOW,
    )


def _incident_named(deps: Dependencies, params: Mapping[str, Any]) -> Incident | None:
    if not params.get("incident_id"):
        return None
    with deps.state.transaction() as state:
        return state.incidents.get(checked_uuid(params["incident_id"], "incident"))


def _case_by_hand(deps: Dependencies, params: Mapping[str, Any], requested_by: str, run_id: str) -> CaseByHand:
    trigger = deps.policy.checked_trigger(params.get("trigger"))
    severity = Severity.parse(params.get("severity"))
    scope = Scope.parse(params.get("scope"))
    if not severity.is_alarm:
        raise BadInputError(f"severity: {severity.value!r} needs no remediation; allowed: mild, severe")
    tenants = frozenset(checked_tenant_id(tenant) for tenant in params.get("tenants") or [])
    if not tenants:
        raise BadInputError("tenants: none given; allowed: at least one tenant id that the platform knows")
    for tenant in sorted(tenants):
        if not deps.ledger.tenant_exists(tenant):
            raise BadInputError(f"tenants: the platform knows no tenant {tenant!r}; allowed: one of its tenants")
    return CaseByHand(
        trigger, severity, scope, tuple(sorted(tenants)), str(params.get("reason") or ""), by=requested_by, run_id=run_id
    )


def start_action(deps: Dependencies, case: Case, kind: str, target: str, run_id: str | None = None) -> Action:
    """Record that an action was started; the same action still in progress is returned instead."""
    action = Action(new_id(), case.incident_id, kind, target, ActionStatus.STARTED, deps.clock.now(), run_id=run_id)
    with deps.state.transaction() as state:
        return state.actions.start(action)


def child_runs(deps: Dependencies, case: Case, kind: str) -> list[dict[str, Any]]:
    """Record and grant the runs that `kind` starts, one per tenant or one for the flag; returns what Airflow needs.

    At most `max_tenants_per_incident` tenants get a run; the others are named in the review request.
    """
    runs = []
    for target in targets(deps, case, kind):
        with deps.state.transaction() as state:
            grant = grant_run(
                deps,
                state,
                DAG_OF_ACTION[kind],
                f"{kind} {target}{_for(case)}",
                _conf(case, kind, target),
                requested_by=case.requested_by,
                incident_id=case.incident_id,
            )
        if start_action(deps, case, kind, target, grant.run_id).run_id == grant.run_id:
            runs.append(as_airflow_run(grant))
    return runs


def _for(case: Case) -> str:
    """The end of the purpose of each run that a remediation grants."""
    return f" for remediation {case.run_key}"


def targets(deps: Dependencies, case: Case, kind: str) -> tuple[str, ...]:
    """The tenants, or the scopes of the flag, that an action of the case is about."""
    tenants = case.tenants[: deps.policy.guardrails.max_tenants_per_incident]
    if kind != "roll_back":
        return tenants
    is_per_tenant = deps.flags.per_tenant and deps.policy.flags[case.flag].per_tenant
    if case.scope == Scope.ISOLATED.value and is_per_tenant:
        return tuple(rollback_target(case.flag, tenant) for tenant in tenants)
    return (case.flag,)


def _conf(case: Case, kind: str, target: str) -> dict[str, Any]:
    why = f"{case.trigger} {case.severity} {case.scope}: {kind} named by the policy"
    if kind == "roll_back":
        flag, _, tenant = target.partition("@")
        return {"flag": flag, "tenant_id": tenant or EVERYWHERE, "incident_id": case.incident_id, "reason": why}
    operation = "dry_run" if kind == "dry_run" else "backfill"
    return {"tenant_id": target, "mode": "force", "operation": operation, "incident_id": case.incident_id, "reason": why}


def unfinished_runs(deps: Dependencies, incident_id: str) -> list[Action]:
    """Started actions that have a run of their own and no recorded end."""
    with deps.state.transaction() as state:
        actions = state.actions.of_incident(incident_id)
    return [action for action in actions if action.run_id and action.status is ActionStatus.STARTED]


def settle_runs(deps: Dependencies, case: Case, state_of: Callable[[str, str], str | None]) -> bool:
    """Whether everything that was started for the case's incident has ended.

    A run records its own end. One that died before it could is recorded as failed here, so nothing waits for it for ever
    (`state_of` gives a run's state by DAG id and run id; None means it was never created). A run granted by another remediation
    that may still be created is waited for.
    """
    waiting = False
    for action in unfinished_runs(deps, case.incident_id):
        state = state_of(DAG_OF_ACTION[action.kind], action.run_id or "")
        if state in ("queued", "running") or (state is None and _may_begin_yet(deps, case, action)):
            waiting = True
        else:
            words = "the run was never created" if state is None else f"the run ended as {state} without recording a result"
            finish_action(deps, action, ActionStatus.FAILED, words)
    return not waiting


def _may_begin_yet(deps: Dependencies, case: Case, action: Action) -> bool:
    """Whether another remediation starts it: this one knows about its own runs."""
    with deps.state.transaction() as state:
        grant = state.runs.granted(DAG_OF_ACTION[action.kind], action.run_id or "")
    if grant is None or grant.purpose.endswith(_for(case)):
        return False
    return deps.wall_clock.now() - grant.granted_at < timedelta(minutes=deps.policy.mitigation.wait_minutes)


_CASES = uuid.UUID("0b0c1c52-6f0e-4b5c-9f0e-5a7a2d3d9c11")


def join_or_open(state: UnitOfWork, case: CaseByHand, now: datetime) -> Incident:
    """Record the case on the trigger's unresolved incident, which it does not change; or open one for it.

    Severity, scope, tenants, evidence and status of an existing incident are not touched, so no open question is voided. A run
    records its case once, however often it is tried.
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
