"""watch_restored: ask people for a rollback when the signal of an unconfirmed restore rises again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ledger_guard.domain.actions import rollback_target
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.flags import RollbackAsked, RollbackWithheld
from ledger_guard.domain.flags import EVERYWHERE, FlagChange
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.runs import GUARD_ITSELF, RunGrant
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.registry import signal_of
from ledger_guard.use_cases.approvals.granted_runs import as_airflow_run, grant_run
from ledger_guard.use_cases.flags.restored_signal import Rise, is_watched, rise_since
from ledger_guard.use_cases.flags.standing_rollbacks import known_scopes
from ledger_guard.use_cases.notify.notify import action_notice, notify, tell


def watch_restored(deps: Dependencies) -> list[dict[str, Any]]:
    """The flag_rollback runs that must ask people about an enabled flag: one per change, once.

    The question belongs to the signal's open incident, or to one opened here as mild and isolated, which later verdicts may
    escalate. The request is committed before its run is returned; a run that has not started is returned again until it has
    ended. People are asked once per change, whatever they answer. A rollback of the same scope that is in progress is not asked
    for twice. If triage advises against a rollback (refused calls are likely forged, players are short of funds), no one is
    asked: this is reported once, and the next check looks again.

    Raises:
        SourceUnavailable: guard state does not answer; nothing new was recorded.
    """
    runs = []
    for change in _watched(deps):
        with deps.state.transaction() as state:
            rise, asked = rise_since(deps, state, change), _asked(deps, state, change)
        if rise is None:
            continue
        if asked is None and (why := _why_not(deps, change, rise)):
            _tell_withheld(deps, change, rise, why)
            continue
        with deps.state.transaction() as state:
            action, grant = _asked(deps, state, change) or _ask(deps, state, change, rise)
        if action.status is ActionStatus.STARTED and action.run_id == grant.run_id:
            runs.append(as_airflow_run(grant))
    return runs


def _watched(deps: Dependencies) -> Iterator[FlagChange]:
    for flag in deps.policy.flags:
        scopes, is_read = known_scopes(deps, flag)
        with deps.state.transaction() as state:
            changes = [state.flag_changes.latest(flag, scope) for scope in scopes]
        for change in changes:
            if change is None or not is_watched(deps, change):
                continue
            if not is_read or deps.flags.effective(flag, change.tenant_id) is change.to_value:
                yield change


def _why_not(deps: Dependencies, change: FlagChange, rise: Rise) -> str:
    """Why people are not asked for a rollback; empty when they are, also when triage can't decide."""
    is_few = len(rise.tenants) < deps.policy.detection_of(rise.trigger).widespread_minimum_tenants
    looked_at = replace(_as_incident(deps, change, rise), scope=Scope.ISOLATED if is_few else Scope.WIDESPREAD)
    try:
        against = signal_of(deps.policy, rise.trigger).against_now(deps, looked_at)
    except SourceUnavailable:
        return ""
    return next(iter(against.values()), "") if set(rise.tenants) <= against.keys() else ""


def _tell_withheld(deps: Dependencies, change: FlagChange, rise: Rise, why: str) -> None:
    """Report once per change that its signal rose and that no rollback is proposed."""
    with deps.state.transaction() as state:
        about = f"flag:{change.flag}@{change.tenant_id}"
        before = [told(entry.event, RollbackWithheld) for entry in state.audit.about(about, ("watch_restored",))]
        if any(each and each.change_id == change.change_id for each in before):
            return
        incident = state.incidents.open_for(rise.trigger)
        incident_id = incident.incident_id if incident else None
        withheld, at = RollbackWithheld(change_id=change.change_id, withheld=why, evidence=rise.words), deps.wall_clock.now()
        state.audit.append(recorded(withheld, actor=GUARD_ITSELF, subject=about, at=at, incident_id=incident_id))
    tell(
        lambda: notify(
            deps, action_notice(deps, incident_id, "watch_restored", f"{rise.words}. No rollback is proposed: {why}", ())
        )
    )


def _asked(deps: Dependencies, state: UnitOfWork, change: FlagChange) -> tuple[Action, RunGrant] | None:
    """What was already started for this change, and its grant."""
    for entry in state.audit.about(f"flag:{change.flag}@{change.tenant_id}", RollbackAsked.verbs):
        asked = told(entry.event, RollbackAsked)
        if asked and asked.change_id == change.change_id:
            incident_id = str(entry.event.incident_id)
            actions = state.actions.of_incident(incident_id)
            action = next(each for each in actions if each.action_id == asked.action_id)
            return action, _leave(deps, state, change, incident_id, asked.evidence)
    return None


def _leave(deps: Dependencies, state: UnitOfWork, change: FlagChange, incident_id: str, evidence: str) -> RunGrant:
    conf = {"flag": change.flag, "tenant_id": change.tenant_id, "incident_id": incident_id, "reason": evidence[:500]}
    purpose = f"roll_back {rollback_target(change.flag, change.tenant_id)} for change {change.change_id}"
    return grant_run(deps, state, "flag_rollback", purpose, conf, requested_by=GUARD_ITSELF, incident_id=incident_id)


def _as_incident(deps: Dependencies, change: FlagChange, rise: Rise) -> Incident:
    return Incident(
        incident_id=new_id(),
        trigger=rise.trigger,
        status=IncidentStatus.OPEN,
        severity=Severity.MILD,
        scope=Scope.ISOLATED,
        tenants=rise.tenants,
        opened_at=deps.clock.now(),
        first_window_start=rise.first_window_start,
        last_alarm_window_start=rise.last_window_start,
        summary=f"{change.flag} was enabled without confirmation, and the signal rose again soon after",
    )


def _ask(deps: Dependencies, state: UnitOfWork, change: FlagChange, rise: Rise) -> tuple[Action, RunGrant]:
    now = deps.clock.now()
    incident = state.incidents.open_for(rise.trigger)
    if incident is None:
        incident = _as_incident(deps, change, rise)
        state.incidents.add(incident)
    target = rollback_target(change.flag, change.tenant_id)
    grant = _leave(deps, state, change, incident.incident_id, rise.words)
    action = state.actions.start(
        Action(new_id(), incident.incident_id, "roll_back", target, ActionStatus.STARTED, now, run_id=grant.run_id)
    )
    state.audit.append(
        recorded(
            RollbackAsked(change_id=change.change_id, action_id=action.action_id, evidence=rise.words),
            actor=GUARD_ITSELF,
            subject=f"flag:{change.flag}@{change.tenant_id}",
            at=deps.wall_clock.now(),
            incident_id=incident.incident_id,
            tenant_id=None if change.tenant_id == EVERYWHERE else change.tenant_id,
        )
    )
    return action, grant
