"""Approvals in memory."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.approvals import Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.errors import BadInputError, SafetyRefusal


class InMemoryApprovalStore(Store):
    """ApprovalStore over the tables of one transaction."""

    def request(self, request: ApprovalRequest) -> None:
        """See ApprovalStore."""
        self._tables.require_incident(request.incident_id)
        if request.approval_id in self._tables.approvals:
            raise SafetyRefusal(f"approval {request.approval_id}: was asked for already; a question never changes")
        gate = (request.dag_id, request.run_id, request.task_id)
        for older in self._tables.approvals.values():
            if (older.dag_id, older.run_id, older.task_id) == gate:
                self._tables.voided.setdefault(older.approval_id, request.approval_id)
        self._tables.approvals[request.approval_id] = request

    def answer(self, answer: ApprovalAnswer) -> None:
        """See ApprovalStore."""
        self.get(answer.approval_id)
        if answer.approval_id in self._tables.answers:
            raise SafetyRefusal(f"approval {answer.approval_id}: is answered already; an answer is never replaced")
        if answer.approval_id in self._tables.voided:
            raise SafetyRefusal(f"approval {answer.approval_id}: the gate has asked again since; answer the newer question")
        if answer.approval_id in self._tables.orphaned:
            raise SafetyRefusal(f"approval {answer.approval_id}: its run had ended unanswered; clear the gate to ask again")
        self._tables.answers[answer.approval_id] = answer

    def get(self, approval_id: str) -> Approval:
        """See ApprovalStore."""
        if approval_id not in self._tables.approvals:
            raise BadInputError(f"approval {approval_id}: does not exist; allowed: the id of a question that was asked")
        return self._with_answer(self._tables.approvals[approval_id])

    def of_run(self, kind: ApprovalKind, subject_id: str, run_id: str | None = None) -> list[Approval]:
        """See ApprovalStore."""
        newest_last = reversed(list(self._tables.approvals.values()))
        standing = [
            each
            for each in newest_last
            if (each.kind, each.subject_id) == (kind, subject_id)
            and run_id in (None, each.run_id)
            and each.approval_id not in self._tables.voided
        ]
        if not standing:
            return []
        newest = max(standing, key=lambda each: each.requested_at)
        found = [each for each in standing if each.run_id == newest.run_id]
        return [self._with_answer(each) for each in sorted(found, key=lambda each: each.ordinal)]

    def escalated(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        self.get(approval_id)
        self._tables.escalated.setdefault(approval_id, at)

    def of_gate(self, dag_id: str, run_id: str, task_id: str) -> Approval | None:
        """See ApprovalStore."""
        gate = (dag_id, run_id, task_id)
        asked = [each for each in self._tables.approvals.values() if (each.dag_id, each.run_id, each.task_id) == gate]
        return next((self.get(each.approval_id) for each in asked if each.approval_id not in self._tables.voided), None)

    def waiting(self, now: datetime) -> list[Approval]:
        """See ApprovalStore."""
        return [each for each in self._open() if each.request.expires_at >= now]

    def unanswered(self) -> list[Approval]:
        """See ApprovalStore."""
        return self._open()[:500]

    def orphan(self, approval_id: str, at: datetime) -> bool:
        """See ApprovalStore."""
        is_open = any(each.request.approval_id == approval_id for each in self._open())
        if is_open:
            self._tables.orphaned[approval_id] = at
        return is_open

    def orphans_to_tell(self) -> list[Approval]:
        """See ApprovalStore."""
        found = [self.get(approval_id) for approval_id in self._tables.orphaned if approval_id not in self._tables.orphan_told]
        return sorted(found, key=lambda each: each.request.requested_at)[:500]

    def orphan_told(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        self.get(approval_id)
        self._tables.orphan_told.setdefault(approval_id, at)

    def of_incident(self, incident_id: str) -> list[Approval]:
        """See ApprovalStore."""
        found = [each for each in self._tables.approvals.values() if each.incident_id == incident_id]
        return [self.get(each.approval_id) for each in sorted(found, key=lambda each: each.requested_at)]

    def _open(self) -> list[Approval]:
        closed = self._tables.answers.keys() | self._tables.voided.keys() | self._tables.orphaned.keys()
        found = [self._with_answer(each) for each in self._tables.approvals.values() if each.approval_id not in closed]
        return sorted(found, key=lambda each: each.request.requested_at)

    def _with_answer(self, request: ApprovalRequest) -> Approval:
        tables, approval_id = self._tables, request.approval_id
        marks = tables.escalated.get(approval_id), tables.orphaned.get(approval_id)
        return Approval(request, tables.answers.get(approval_id), *marks)
