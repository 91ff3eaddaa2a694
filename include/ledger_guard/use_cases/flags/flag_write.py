"""The only path that writes a flag: check the evidence, record the intent, write, record the change."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.attestations import is_marked, is_unkeyed
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.codec import recorded, told
from ledger_guard.domain.facts.flags import FlagWriteFailed, FlagWriteIntended, FlagWritten
from ledger_guard.domain.flags import EVERYWHERE, FlagChange, FlagState, effective_value
from ledger_guard.domain.permission import ApprovalRule, Permission, Subject, permission_refusals, require_permission
from ledger_guard.domain.stops import require_running
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.permission import require_attested_approvals, rule_now, subject_now
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal, seen_states, what_changed

_CHANGE_IDS = uuid.UUID("6f0f7f2e-5f0c-4a53-8a54-9f6a3d0c7b11")


@dataclass(frozen=True)
class _Case:
    """The state of guard state and flag store for a write at one moment."""

    permission: Permission
    #: the change that these approvals already led to
    change: FlagChange | None
    intent: FlagWriteIntended | None
    #: the scopes to write; empty when a killed run wrote them or they have the value already
    to_write: tuple[FlagState, ...]
    from_value: bool | None


@dataclass(frozen=True)
class FlagWrite(ABC):
    """A flag change about to be made; rollback and restore differ in what they propose and what is stored with it."""

    verb: ClassVar[str]
    kind: ClassVar[ApprovalKind]

    deps: Dependencies
    flag: str
    tenant_id: str
    incident_id: str | None
    run_id: str
    actor: str

    @property
    @abstractmethod
    def target(self) -> bool:
        """The value to write."""

    @abstractmethod
    def propose(self, state: UnitOfWork, seen: Sequence[FlagState], requested_by: str) -> FlagProposal:
        """The current proposal, given the states read and the requester; SafetyRefusal when it is not allowed at all."""

    @abstractmethod
    def settle(self, state: UnitOfWork, change: FlagChange) -> FlagWritten:
        """Store what goes with the change in the same transaction; returns what the audit log records of it."""

    @property
    def subject_id(self) -> str:
        """`flag@scope`."""
        return f"{self.flag}@{self.tenant_id}"

    def make(self) -> FlagChange:
        """Make the change once, if the recorded approval permits exactly this change.

        Guard state and flag store need not share a transaction: first the intent is committed to the audit log, then the store
        is written, then the change is recorded. A run that was killed in between finds its write by the approval id that the
        store keeps with the value, and only records it. A complete run changes nothing.

        Raises:
            SafetyRefusal: the guard is stopped, the approval does not permit it, was used already, or someone changed the
            flag meanwhile. The refusal is in the audit log; the flag is unchanged.
            SourceUnavailable: the store failed, perhaps after it took the value; this is in the audit log. Run the same task
            again: it finds its own write and does the rest.
        """
        try:
            with self.deps.state.transaction() as state:
                case = self._examine(state)
                if case.change is None and case.intent is None:
                    state.audit.append(self._intended(case))
            if case.change is not None:
                return case.change
            with self.deps.state.transaction() as state:
                return self._write(state)
        except SafetyRefusal as refusal:
            with self.deps.state.transaction() as state:
                state.audit.append(self._event(FlagWriteFailed(stage="refused", why=str(refusal))))
            raise
        except (SourceUnavailable, LedgerInvariantError) as failure:
            # guard state itself may be down
            with suppress(SourceUnavailable), self.deps.state.transaction() as state:
                state.audit.append(self._event(FlagWriteFailed(stage="failed", why=str(failure))))
            raise

    def _write(self, state: UnitOfWork) -> FlagChange:
        case = self._examine(state)
        if case.change is not None:
            return case.change
        permission = case.permission
        if case.to_write:
            words = f"{self.verb}: {permission.reason} {write_mark(permission.approval_id)}"
            self.deps.flags.compare_and_set_all(case.to_write, self.target, permission.approved_by, words)
        else:
            # Written by a run that was killed or whose restart failed: a value that no instance serves is not done.
            self.deps.flags.finish(self.flag)
        change = FlagChange(
            change_id=str(uuid.uuid5(_CHANGE_IDS, permission.approval_id)),
            flag=self.flag,
            tenant_id=self.tenant_id,
            from_value=case.from_value,
            to_value=self.target,
            incident_id=self.incident_id,
            approval_id=permission.approval_id,
            requested_by=permission.approvals[0].request.requested_by,
            approved_by=permission.approved_by,
            reason=permission.reason,
            changed_at=self.deps.wall_clock.now(),
        )
        state.flag_changes.add(change)
        written = replace(
            self.settle(state, change),
            approval_id=permission.approval_id,
            approved_by=permission.approved_by,
            is_break_glass=permission.is_break_glass,
            to_value=self.target,
            scopes=tuple(sorted(case.intent.before)) if case.intent else (),
            unkeyed=is_unkeyed(state.audit),
        )
        state.audit.append(self._event(written))
        return change

    def _examine(self, state: UnitOfWork) -> _Case:
        require_running(state.audit, f"{self.verb} of {self.subject_id}")
        approvals = state.approvals.of_run(self.kind, self.subject_id, self.run_id)
        seen = seen_states(self.deps, self.flag, self.tenant_id)
        intent = None
        if approvals:
            require_attested_approvals(state, approvals, f"{self.verb} of {self.subject_id}")
            for approval in approvals:
                used = state.flag_changes.of_approval(approval.request.approval_id)
                if used is not None:
                    return self._used(approvals, used, seen)
            first_id = approvals[0].request.approval_id
            intent = self._intent(state, first_id)
            if intent is not None and _is_written(intent, seen, first_id):
                return _Case(Permission(tuple(approvals)), None, intent, (), intent.from_value)
        proposal = self.propose(state, seen, approvals[0].request.requested_by if approvals else "nobody")
        rule = rule_now(self.deps, state, self.kind)
        permission = self._permitted(approvals, rule, subject_now(state, proposal.subject_hash, approvals), proposal)
        own = next(found for found in seen if found.tenant_id == self.tenant_id)
        return _Case(permission, None, intent, proposal.to_write, own.is_enabled)

    def _used(self, approvals: Sequence[Approval], used: FlagChange, seen: Sequence[FlagState]) -> _Case:
        if effective_value(seen, self.tenant_id) is not self.target:
            raise SafetyRefusal(
                f"{self.verb} of {self.subject_id}: refused: the approval was used at {used.changed_at.isoformat()}, and the "
                "flag was changed since; an approval is used once: ask again"
            )
        return _Case(Permission(tuple(approvals)), used, None, (), used.from_value)

    def _permitted(
        self, approvals: Sequence[Approval], rule: ApprovalRule, subject: Subject, proposal: FlagProposal
    ) -> Permission:
        what, now = f"{self.verb} of {self.subject_id}", self.deps.wall_clock.now()
        for approval in approvals:
            if approval.approved_by is not None and approval.request.subject_hash != subject.subject_hash:
                found = "; ".join(permission_refusals(approvals, rule, subject, now))
                raise SafetyRefusal(f"{what}: refused: {found}: {what_changed(approval.request.proposal, proposal.text)}")
        return require_permission(approvals, rule, subject, now, what)

    def _intent(self, state: UnitOfWork, approval_id: str) -> FlagWriteIntended | None:
        """What this write announced before; an entry without the key's mark does not count."""
        keys = state.audit.keys
        for entry in state.audit.about(f"flag:{self.subject_id}", (self.verb,)):
            intent = told(entry.event, FlagWriteIntended)
            if intent and intent.approval_id == approval_id and (keys.newest is None or is_marked(entry, keys)):
                return intent
        return None

    def _intended(self, case: _Case) -> AuditEvent:
        intent = FlagWriteIntended(
            stage="intended",
            approval_id=case.permission.approval_id,
            approved_by=case.permission.approved_by,
            is_break_glass=case.permission.is_break_glass,
            from_value=case.from_value,
            to_value=self.target,
            before={state.tenant_id: (state.is_enabled, state.version) for state in case.to_write},
        )
        return self._event(intent)

    def _event(self, fact: FlagWriteIntended | FlagWriteFailed | FlagWritten) -> AuditEvent:
        return recorded(
            replace(fact, run_id=self.run_id),
            verb=self.verb,
            actor=self.actor,
            subject=f"flag:{self.subject_id}",
            at=self.deps.wall_clock.now(),
            incident_id=self.incident_id,
            tenant_id=None if self.tenant_id == EVERYWHERE else self.tenant_id,
        )


def last_failure(state: UnitOfWork, verb: str, incident_id: str | None, run_id: str) -> str:
    """Why this run's newest write attempt was refused or failed; empty when not on record."""
    found = ""
    for entry in state.audit.entries(incident_id=incident_id):
        failed = told(entry.event, FlagWriteFailed) if entry.event.verb == verb else None
        if failed and failed.run_id == run_id:
            found = f"{failed.stage}: {failed.why}"
    return found


def _is_written(intent: FlagWriteIntended, seen: Sequence[FlagState], approval_id: str) -> bool:
    written = {state.tenant_id for state in seen if state.change_reason.endswith(write_mark(approval_id))}
    return bool(intent.before) and written.issuperset(intent.before)


def write_mark(approval_id: str) -> str:
    """The end of the reason that the store keeps with a value that the guard wrote."""
    return f"(approval {approval_id})"
