"""Questions and answers in Postgres."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger_guard.adapters.postgres.connection import Row
from ledger_guard.adapters.postgres.rows import Store, given, value_of
from ledger_guard.domain.approvals import Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import checked_uuid


class PostgresApprovalStore(Store):
    """ApprovalStore; the database itself refuses to change or delete an answer."""

    def request(self, request: ApprovalRequest) -> None:
        """See ApprovalStore."""
        parameters = given(request)
        self._execute("guard/void_approvals", **parameters)
        if self._row("guard/insert_approval", **parameters) is None:
            raise SafetyRefusal(f"approval {request.approval_id}: was asked for already; a question never changes")

    def answer(self, answer: ApprovalAnswer) -> None:
        """See ApprovalStore."""
        asked = self._row("guard/lock_approval", approval_id=checked_uuid(answer.approval_id, "approval"))
        if asked is None:
            raise _unknown(answer.approval_id)
        if self.get(answer.approval_id).answer is not None:
            raise SafetyRefusal(f"approval {answer.approval_id}: is answered already; an answer is never replaced")
        if asked["voided"]:
            raise SafetyRefusal(f"approval {answer.approval_id}: the gate has asked again since; answer the newer question")
        if asked["orphaned_at"] is not None:
            raise SafetyRefusal(f"approval {answer.approval_id}: its run had ended unanswered; clear the gate to ask again")
        self._execute("guard/insert_approval_answer", **given(answer))

    def get(self, approval_id: str) -> Approval:
        """See ApprovalStore."""
        found = self._approvals("guard/select_approval", approval_id=checked_uuid(approval_id, "approval"))
        if not found:
            raise _unknown(approval_id)
        return found[0]

    def of_run(self, kind: ApprovalKind, subject_id: str, run_id: str | None = None) -> list[Approval]:
        """See ApprovalStore."""
        return self._approvals("guard/select_approvals_of_run", kind=kind.value, subject_id=subject_id, run_id=run_id)

    def escalated(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        self._execute("guard/mark_approval_escalated", approval_id=self.get(approval_id).request.approval_id, at=at)

    def of_gate(self, dag_id: str, run_id: str, task_id: str) -> Approval | None:
        """See ApprovalStore."""
        found = self._approvals("guard/select_approval_of_gate", dag_id=dag_id, run_id=run_id, task_id=task_id)
        return found[0] if found else None

    def waiting(self, now: datetime) -> list[Approval]:
        """See ApprovalStore."""
        return self._approvals("guard/select_waiting_approvals", now=now)

    def unanswered(self) -> list[Approval]:
        """See ApprovalStore."""
        return self._approvals("guard/select_unanswered_approvals")

    def orphan(self, approval_id: str, at: datetime) -> bool:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        # an answer that comes at this moment locks the question first
        self._execute("guard/lock_approval", **key)
        return self._row("guard/orphan_approval", **key, at=at) is not None

    def orphans_to_tell(self) -> list[Approval]:
        """See ApprovalStore."""
        return self._approvals("guard/select_orphans_to_tell")

    def orphan_told(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        self._execute("guard/mark_orphan_told", approval_id=self.get(approval_id).request.approval_id, at=at)

    def of_incident(self, incident_id: str) -> list[Approval]:
        """See ApprovalStore."""
        return self._approvals("guard/select_approvals_of_incident", incident_id=checked_uuid(incident_id, "incident"))

    def _approvals(self, name: str, **bound: Any) -> list[Approval]:
        return [_approval(row) for row in self._execute(name, **bound)]


def _unknown(approval_id: str) -> BadInputError:
    return BadInputError(f"approval {approval_id}: does not exist; allowed: the id of a question that was asked")


def _approval(row: Row) -> Approval:
    answer = None if row["answer"] is None else value_of(ApprovalAnswer, row)
    return Approval(value_of(ApprovalRequest, row), answer, row["escalated_at"], row["orphaned_at"])
