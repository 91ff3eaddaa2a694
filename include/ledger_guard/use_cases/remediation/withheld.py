"""Withheld repairs: what triage advises against is not proposed, and this is reported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ledger_guard.domain.actions import REPAIRS
from ledger_guard.domain.cases_by_hand import work_of
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.incidents import CaseTaken, SecretsChecked, Triaged
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.registry import signal_of
from ledger_guard.signals.signal import Against, Finding
from ledger_guard.signals.triage import triage
from ledger_guard.signals.withheld import WITHHELD, Matter, why_not, withheld_now
from ledger_guard.use_cases.remediation.remediate import Case, targets
from ledger_guard.use_cases.remediation.shadow import runs_of


def proposed_runs(deps: Dependencies, case: Case, kind: str) -> list[dict[str, Any]]:
    """As `runs_of`, without what triage advises against; this is recorded as refused, with the reason.

    This remediation's own triage decides; if there is none, it is made here. Where triage can't decide, everything that the
    policy names is proposed.
    """
    against = _found(deps, case) if kind in REPAIRS else {}
    matter = Matter(Trigger(case.trigger), Severity.parse(case.severity), Scope.parse(case.scope), case.tenants)
    every = case.tenants if kind == "backfill" else targets(deps, case, kind)
    refused = {target: why for target in every if (why := why_not(deps.policy, matter, target, against))}
    for target, why in refused.items():
        _withhold(deps, case, kind, target, why)
    if kind == "roll_back" and case.flag in every:
        return [] if refused else runs_of(deps, case, kind)
    left = tuple(tenant for tenant in case.tenants if tenant not in against)
    return runs_of(deps, replace(case, tenants=left), kind) if left else []


def proposed_targets(deps: Dependencies, case: Case, kind: str, actions: Sequence[Action]) -> tuple[str, ...]:
    """As `targets`, without those whose newest record says "not proposed"."""
    held = {action.target for action in withheld_now(actions) if action.kind == kind}
    left = tuple(tenant for tenant in case.tenants if kind != "backfill" or tenant not in held)
    return tuple(target for target in targets(deps, replace(case, tenants=left), kind) if target not in held)


def _found(deps: Dependencies, case: Case) -> Against:
    """The result of this remediation's triage, made now if there is none; empty where it can't decide."""
    signal = signal_of(deps.policy, Trigger(case.trigger))
    if signal.against_verb is None:
        return {}
    found = _recorded(deps, case, signal.against_verb)
    if found is None:
        try:
            found = _looked(deps, case.incident_id, signal.against_verb)
        except SourceUnavailable:
            return {}
    return signal.against(found, case.tenants)


def _looked(deps: Dependencies, incident_id: str, verb: str) -> Finding:
    """Do the verb now; returns its fact."""
    return (check_secrets if verb == "check_secrets" else triage)(deps, incident_id).on_record()


def _recorded(deps: Dependencies, case: Case, verb: str) -> Finding | None:
    """This verb's newest finding since the remediation began, from the audit log."""
    found: Finding | None = None
    kind: type[Finding] = SecretsChecked if verb == "check_secrets" else Triaged
    with deps.state.transaction() as state:
        for entry in state.audit.entries(incident_id=case.incident_id):
            taken = told(entry.event, CaseTaken)
            if taken and hashlib.sha256(taken.run_id.encode()).hexdigest()[:10] == case.run_key:
                found = None
            elif entry.event.verb == verb:
                found = told(entry.event, kind)
    return found


def _withhold(deps: Dependencies, case: Case, kind: str, target: str, why: str) -> None:
    now, action_id = deps.clock.now(), new_id()
    with deps.state.transaction() as state:
        actions = work_of(state.actions.of_incident(case.incident_id))
        newest = {(each.kind, each.target): each for each in actions}.get((kind, target))
        if newest is not None and newest.detail.get(WITHHELD) == case.run_key:
            return
        started = state.actions.start(Action(action_id, case.incident_id, kind, target, ActionStatus.STARTED, now))
        if started.action_id != action_id:
            # in progress: a person asked for it
            return
        refused = replace(started, status=ActionStatus.REFUSED, outcome=f"not proposed: {why}", finished_at=now)
        state.actions.finish(replace(refused, detail={WITHHELD: case.run_key}))
