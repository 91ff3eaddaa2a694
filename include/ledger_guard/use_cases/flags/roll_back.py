"""roll_back: set a flag to its safe value after a named human approved exactly this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.cases_by_hand import cases_in_words
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.flags import RolledBack
from ledger_guard.domain.flags import EVERYWHERE, FlagChange, FlagState, effective_value, scope_words, scopes_to_turn
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.money_at_risk import at_risk_now
from ledger_guard.domain.shown_text import wrote
from ledger_guard.domain.verdicts import Scope
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.triage import before_a_rollback
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal, checked_scope, listed_tenants, proposed, seen_states
from ledger_guard.use_cases.flags.flag_write import FlagWrite
from ledger_guard.use_cases.flags.freeze import open_freeze
from ledger_guard.use_cases.flags.restored_signal import rise_since


def propose_roll_back(deps: Dependencies, flag: str, tenant_id: str, incident_id: str, requested_by: str) -> FlagProposal:
    """What a rollback would do now and on which evidence, beginning with triage's finding. Writes nothing.

    A global rollback (`*`) also turns tenants with an unsafe value of their own. `is_needed` is False when every scope is safe
    already: by the store, or by every instance where the store does not know; and no instance serves another value.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SafetyRefusal: the incident is resolved: nothing to roll back for.
    """
    checked_scope(deps, flag, tenant_id)
    triaged = before_a_rollback(deps, checked_uuid(incident_id, "incident"), flag)
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
        proposal = _proposal(deps, state, incident, flag, tenant_id, seen_states(deps, flag, tenant_id), requested_by)
    # shown, but not part of the approved hash: the figures change every minute
    proposal = replace(proposal, text=triaged + proposal.text)
    return held_against_instances(deps, proposal)


def roll_back(deps: Dependencies, flag: str, tenant_id: str, incident_id: str, run_id: str, actor: str) -> FlagChange:
    """Write the safe value and freeze the flag in the same scope, on the approval that this run asked for.

    Flag values, incident and approval are read again here. A changed value or version, another severity or a resolved incident
    voids the approval. Running it again after it was killed or done neither fails nor writes twice.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SafetyRefusal: as above; the message says what changed. Ask again.
    """
    checked_scope(deps, flag, tenant_id)
    return _RollBack(deps, flag, tenant_id, checked_uuid(incident_id, "incident"), run_id, actor).make()


class _RollBack(FlagWrite):
    verb, kind = "roll_back", ApprovalKind.FLAG_ROLLBACK

    @property
    def target(self) -> bool:
        return self.deps.policy.flags[self.flag].safe_value

    def propose(self, state: UnitOfWork, seen: Sequence[FlagState], requested_by: str) -> FlagProposal:
        incident = state.incidents.get(self.incident_id or "")
        return _proposal(self.deps, state, incident, self.flag, self.tenant_id, seen, requested_by)

    def settle(self, state: UnitOfWork, change: FlagChange) -> RolledBack:
        reason = f"rolled back, approved by {change.approved_by}, who {wrote(change.reason)}"
        opened = open_freeze(self.deps, state, self.flag, self.tenant_id, self.incident_id, reason, self.actor)
        return RolledBack(stage="done", freeze_id=opened.freeze_id)


def _proposal(
    deps: Dependencies,
    state: UnitOfWork,
    incident: Incident,
    flag: str,
    tenant_id: str,
    seen: Sequence[FlagState],
    requested_by: str,
) -> FlagProposal:
    if incident.is_over:
        when = iso(incident.resolved_at) if incident.resolved_at else "meanwhile"
        raise SafetyRefusal(
            f"roll_back of {flag}@{tenant_id}: incident {incident.incident_id} was resolved {when}: nothing to roll back for"
        )
    target = deps.policy.flags[flag].safe_value
    does = _effect(deps, flag, tenant_id, seen, target=target)
    wider = _wider_than_the_incident(deps, incident, flag, tenant_id)
    again = _since_restored(deps, state, flag, tenant_id)
    return proposed(
        deps,
        flag,
        tenant_id,
        incident_id=incident.incident_id,
        target=target,
        seen=seen,
        text=f"{does}{wider} Requested by {requested_by}. {_reason(deps, state, incident)}{again}",
        evidence=(incident.severity.value, incident.scope.value),
        facts=(f"incident {incident.trigger.value} {incident.severity.value} {incident.scope.value}",),
    )


def _effect(deps: Dependencies, flag: str, tenant_id: str, seen: Sequence[FlagState], *, target: bool) -> str:
    word = "on" if target else "off"
    turned = [state.tenant_id for state in scopes_to_turn(seen, tenant_id, target, overrides_too=True)]
    overrides = [scope for scope in turned if scope not in (EVERYWHERE, tenant_id)]
    also = f", and the own values of {listed_tenants(deps, overrides)}" if overrides else ""
    return f"Turn {flag} {word} for {scope_words(tenant_id)}{also}, and freeze it until a root cause is on record."


def _wider_than_the_incident(deps: Dependencies, incident: Incident, flag: str, tenant_id: str) -> str:
    if incident.scope is not Scope.ISOLATED or tenant_id != EVERYWHERE:
        return ""
    hit = f" Affected: only {listed_tenants(deps, incident.tenants)}"
    if not deps.flags.per_tenant:
        return f"{hit}; but the flag store has one value for everyone."
    if not deps.policy.flags[flag].per_tenant:
        return f"{hit}; but the flag has no value per tenant."
    return f"{hit}; but this rollback is for everyone."


def _reason(deps: Dependencies, state: UnitOfWork, incident: Incident) -> str:
    # shown beside the sensed evidence, but not part of the approved hash: another case by hand voids no answer
    by_hand = "".join(
        f" Also {words}."
        for words in cases_in_words(state.actions.of_incident(incident.incident_id))
        if words != incident.summary
    )
    signal = deps.policy.named(incident.trigger)
    start = incident.last_alarm_window_start
    # as the figures of triage: shown, but not part of the approved hash
    newest = state.verdicts.between(incident.trigger, start, start + timedelta(minutes=deps.policy.window_minutes))
    return (
        f"Reason: {signal} is {incident.severity.value}, {incident.scope.value}, since {iso(incident.first_window_start)} "
        f"in {listed_tenants(deps, incident.tenants)}: {incident.summary or 'no summary'}. "
        f"Money at risk: {at_risk_now(newest, incident.tenants, deps.policy.platform.currency)}.{by_hand}"
    )


def _since_restored(deps: Dependencies, state: UnitOfWork, flag: str, tenant_id: str) -> str:
    """Note that the signal rose again soon after the flag was enabled unconfirmed; else empty.

    Shown, but not part of the approved hash: it changes with every window.
    """
    change = state.flag_changes.latest(flag, tenant_id)
    rise = None if change is None else rise_since(deps, state, change)
    return "" if rise is None else f" {rise.words.rstrip('.')}."


def held_against_instances(deps: Dependencies, proposal: FlagProposal) -> FlagProposal:
    """The proposal, with `is_needed` decided by the instances where the store alone can't decide it.

    They are asked when the store already has the value (their own environment may override it, or they read it only at start;
    they get the policy's time to follow), and once when the store does not know their value. Where the policy names no
    instances, the store decides, and an unknown value is written.
    """
    if deps.probes is None:
        return proposal
    is_open = effective_value(proposal.seen, proposal.tenant_id) is None and len(proposal.to_write) == 1
    if proposal.is_needed and not is_open:
        return proposal
    found = deps.probes.instances(proposal.flag, proposal.tenant_id, proposal.target, once=is_open)
    if not found:
        return proposal
    is_needed = not all(finding.is_in_effect for finding in found)
    text = "; ".join([proposal.text, *(finding.words for finding in found)])
    if is_needed and not proposal.to_write:
        text += "; the store has the value already: an instance's own environment overrides it, or it was not restarted"
    return replace(proposal, is_needed=is_needed, text=text)
