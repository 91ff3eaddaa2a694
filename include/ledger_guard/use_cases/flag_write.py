"""The one path on which a flag is written: evidence checked inside, intent first, then the write, then its record."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ledger_guard.domain.approvals import Answer, Approval, ApprovalKind, refusals, require_approval
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagChange, FlagState, effective_value
from ledger_guard.ports import Guard, GuardTransaction
from ledger_guard.use_cases.flag_proposal import FlagProposal, seen_states, what_changed

_CHANGE_IDS = uuid.UUID("6f0f7f2e-5f0c-4a53-8a54-9f6a3d0c7b11")


@dataclass(frozen=True)
class FlagWrite:
    """A flag change that is about to be made, and the two things in which rollback and restore differ."""

    verb: str
    kind: ApprovalKind
    flag: str
    tenant_id: str
    incident_id: str | None
    target: bool
    run_id: str
    actor: str
    #: the proposal as it is now, given the states seen and who asked; raises SafetyRefusal when it may not be made at all
    propose: Callable[[GuardTransaction, Sequence[FlagState], str], FlagProposal]
    #: what goes with the change in the same transaction; returns details for the audit log
    settle: Callable[[GuardTransaction, FlagChange], Mapping[str, Any]]

    @property
    def subject_id(self) -> str:
        """`flag@scope`."""
        return f"{self.flag}@{self.tenant_id}"


@dataclass(frozen=True)
class _Case:
    """What guard state and flag store say about a write at one moment."""

    approval: Approval
    #: the change that this approval led to already
    change: FlagChange | None
    intent: Mapping[str, Any] | None
    #: the scopes to write; empty when a killed run wrote them, or when they hold the value already
    to_write: tuple[FlagState, ...]
    from_value: bool | None


def write_flag(guard: Guard, write: FlagWrite) -> FlagChange:
    """Make the change if the recorded approval permits exactly it, once.

    Guard state and flag store need not share a transaction: the intent is committed to the audit log first, then the
    store is written, then the change is recorded. A run that was killed in between finds, by the approval id that the
    store keeps with the value, that the write took place, and only records it. A run that is complete is a no-op.

    Raises:
        SafetyRefusal: the approval does not permit it, was used already, or somebody changed the flag meanwhile; the
            refusal is on the audit log, the flag is as it was.
        SourceUnavailable: the store failed, maybe after it took the value; that is on the audit log. Run the same task
            again: it finds its own write and does what is left.
    """
    try:
        with guard.state.transaction() as state:
            case = _examine(guard, state, write)
            if case.change is None and case.intent is None:
                state.audit.append(_intended(guard, write, case))
        if case.change is not None:
            return case.change
        with guard.state.transaction() as state:
            return _carry_out(guard, state, write)
    except SafetyRefusal as refusal:
        with guard.state.transaction() as state:
            state.audit.append(_event(guard, write, {"stage": "refused", "why": str(refusal)}))
        raise
    except (SourceUnavailable, LedgerInvariantError) as failure:
        # guard state itself may be what does not answer
        with suppress(SourceUnavailable), guard.state.transaction() as state:
            state.audit.append(_event(guard, write, {"stage": "failed", "why": str(failure)}))
        raise


def last_trouble(state: GuardTransaction, verb: str, incident_id: str | None, run_id: str) -> str:
    """Why the newest try of this run to write was refused or failed; empty when it is not on record."""
    found = ""
    for entry in state.audit.entries(incident_id=incident_id):
        detail = entry.event.detail
        if entry.event.verb == verb and detail.get("run_id") == run_id and detail.get("stage") in ("refused", "failed"):
            found = f"{detail['stage']}: {detail['why']}"
    return found


def _carry_out(guard: Guard, state: GuardTransaction, write: FlagWrite) -> FlagChange:
    case = _examine(guard, state, write)
    if case.change is not None:
        return case.change
    answer, request = case.approval.answer, case.approval.request
    if answer is None or answer.answered_by is None:
        raise SafetyRefusal(f"{write.verb} of {write.subject_id}: the approval names no person")
    if case.to_write:
        words = f"{write.verb}: {answer.reason.strip()} {_mark(request.approval_id)}"
        guard.flags.compare_and_set_all(case.to_write, write.target, answer.answered_by, words)
    else:
        # Written by a run that was killed, or by one whose restart failed: a value that nobody serves is not done.
        guard.flags.finish(write.flag)
    change = FlagChange(
        change_id=str(uuid.uuid5(_CHANGE_IDS, request.approval_id)),
        flag=write.flag,
        tenant_id=write.tenant_id,
        from_value=case.from_value,
        to_value=write.target,
        incident_id=write.incident_id,
        approval_id=request.approval_id,
        requested_by=request.requested_by,
        approved_by=answer.answered_by,
        reason=answer.reason,
        changed_at=guard.wall_clock.now(),
    )
    state.flag_changes.add(change)
    detail = write.settle(state, change)
    outcome = {
        "stage": "done",
        "approval_id": request.approval_id,
        "to_value": write.target,
        "scopes": sorted((case.intent or {}).get("before", {})),
        **detail,
    }
    state.audit.append(_event(guard, write, outcome))
    return change


def _examine(guard: Guard, state: GuardTransaction, write: FlagWrite) -> _Case:
    approval = state.approvals.latest(write.kind, write.subject_id, write.run_id)
    seen = seen_states(guard, write.flag, write.tenant_id)
    if approval is not None:
        approval_id = approval.request.approval_id
        used = state.flag_changes.of_approval(approval_id)
        if used is not None:
            return _used(write, approval, used, seen)
        intent = _intent(state, write, approval_id)
        if intent is not None and _is_written(intent, seen, approval_id):
            return _Case(approval, None, intent, (), intent["from_value"])
    else:
        intent = None
    proposal = write.propose(state, seen, approval.request.requested_by if approval else "nobody")
    permitted = _permitted(write, approval, proposal)
    own = next(found for found in seen if found.tenant_id == write.tenant_id)
    return _Case(permitted, None, intent, proposal.to_write, own.is_enabled)


def _used(write: FlagWrite, approval: Approval, used: FlagChange, seen: Sequence[FlagState]) -> _Case:
    if effective_value(seen, write.tenant_id) is not write.target:
        raise SafetyRefusal(
            f"{write.verb} of {write.subject_id}: refused: the approval was used at {used.changed_at.isoformat()} and the flag "
            "was changed since; an approval is used once: ask again"
        )
    return _Case(approval, used, None, (), used.from_value)


def _permitted(write: FlagWrite, approval: Approval | None, proposal: FlagProposal) -> Approval:
    what = f"{write.verb} of {write.subject_id}"
    if approval is not None and approval.answer is not None and approval.answer.answer is Answer.APPROVED:
        found = refusals(approval, proposal.subject_hash)
        if approval.request.subject_hash != proposal.subject_hash:
            raise SafetyRefusal(f"{what}: refused: {'; '.join(found)}: {what_changed(approval.request.proposal, proposal.text)}")
    return require_approval(approval, proposal.subject_hash, what)


def _intent(state: GuardTransaction, write: FlagWrite, approval_id: str) -> Mapping[str, Any] | None:
    for entry in state.audit.entries(incident_id=write.incident_id):
        detail = entry.event.detail
        if entry.event.verb == write.verb and detail.get("stage") == "intended" and detail.get("approval_id") == approval_id:
            return detail
    return None


def _is_written(intent: Mapping[str, Any], seen: Sequence[FlagState], approval_id: str) -> bool:
    written = {state.tenant_id for state in seen if state.change_reason.endswith(_mark(approval_id))}
    return bool(intent["before"]) and written.issuperset(intent["before"])


def _mark(approval_id: str) -> str:
    return f"(approval {approval_id})"


def _intended(guard: Guard, write: FlagWrite, case: _Case) -> AuditEvent:
    before = {state.tenant_id: [state.is_enabled, state.version] for state in case.to_write}
    detail = {
        "stage": "intended",
        "approval_id": case.approval.request.approval_id,
        "from_value": case.from_value,
        "to_value": write.target,
        "before": before,
    }
    return _event(guard, write, detail)


def _event(guard: Guard, write: FlagWrite, detail: Mapping[str, Any]) -> AuditEvent:
    return AuditEvent(
        verb=write.verb,
        actor=write.actor,
        subject=f"flag:{write.subject_id}",
        detail={**detail, "run_id": write.run_id},
        at=guard.wall_clock.now(),
        incident_id=write.incident_id,
        tenant_id=None if write.tenant_id == EVERYWHERE else write.tenant_id,
    )
