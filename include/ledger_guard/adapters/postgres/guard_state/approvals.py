"""Questions and answers in Postgres."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import given, optional_text
from ledger_guard.domain.approvals import Answer, Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.sql import statement


class PostgresApprovalStore:
    """ApprovalStore; the database itself refuses to change or delete an answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def request(self, request: ApprovalRequest) -> None:
        """See ApprovalStore."""
        parameters = given(request)
        self._connection.execute(statement("guard/void_approvals"), parameters)
        if self._connection.execute(statement("guard/insert_approval"), parameters).fetchone() is None:
            raise SafetyRefusal(f"approval {request.approval_id}: was asked for already; a question never changes")

    def answer(self, answer: ApprovalAnswer) -> None:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(answer.approval_id, "approval")}
        asked = self._connection.execute(statement("guard/lock_approval"), key).fetchone()
        if asked is None:
            raise _unknown(answer.approval_id)
        if self.get(answer.approval_id).answer is not None:
            raise SafetyRefusal(f"approval {answer.approval_id}: is answered already; an answer is never replaced")
        if asked["voided"]:
            raise SafetyRefusal(f"approval {answer.approval_id}: the gate has asked again since; answer the newer question")
        if asked["orphaned_at"] is not None:
            raise SafetyRefusal(f"approval {answer.approval_id}: its run had ended unanswered; clear the gate to ask again")
        self._connection.execute(statement("guard/insert_approval_answer"), given(answer))

    def get(self, approval_id: str) -> Approval:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        row = self._connection.execute(statement("guard/select_approval"), key).fetchone()
        if row is None:
            raise _unknown(approval_id)
        return _approval(row)

    def of_run(self, kind: ApprovalKind, subject_id: str, run_id: str | None = None) -> list[Approval]:
        """See ApprovalStore."""
        rows = self._connection.execute(
            statement("guard/select_approvals_of_run"), {"kind": kind.value, "subject_id": subject_id, "run_id": run_id}
        ).fetchall()
        return [_approval(row) for row in rows]

    def escalated(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        self.get(approval_id)
        self._connection.execute(statement("guard/mark_approval_escalated"), {**key, "at": at})

    def of_gate(self, dag_id: str, run_id: str, task_id: str) -> Approval | None:
        """See ApprovalStore."""
        gate = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
        row = self._connection.execute(statement("guard/select_approval_of_gate"), gate).fetchone()
        return None if row is None else _approval(row)

    def waiting(self, now: datetime) -> list[Approval]:
        """See ApprovalStore."""
        rows = self._connection.execute(statement("guard/select_waiting_approvals"), {"now": now}).fetchall()
        return [_approval(row) for row in rows]

    def unanswered(self) -> list[Approval]:
        """See ApprovalStore."""
        return [_approval(row) for row in self._connection.execute(statement("guard/select_unanswered_approvals")).fetchall()]

    def orphan(self, approval_id: str, at: datetime) -> bool:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        # an answer that comes at this moment locks the question first
        self._connection.execute(statement("guard/lock_approval"), key)
        return self._connection.execute(statement("guard/orphan_approval"), {**key, "at": at}).fetchone() is not None

    def orphans_to_tell(self) -> list[Approval]:
        """See ApprovalStore."""
        return [_approval(row) for row in self._connection.execute(statement("guard/select_orphans_to_tell")).fetchall()]

    def orphan_told(self, approval_id: str, at: datetime) -> None:
        """See ApprovalStore."""
        key = {"approval_id": checked_uuid(approval_id, "approval")}
        self.get(approval_id)
        self._connection.execute(statement("guard/mark_orphan_told"), {**key, "at": at})

    def of_incident(self, incident_id: str) -> list[Approval]:
        """See ApprovalStore."""
        key = {"incident_id": checked_uuid(incident_id, "incident")}
        return [
            _approval(row) for row in self._connection.execute(statement("guard/select_approvals_of_incident"), key).fetchall()
        ]


def _unknown(approval_id: str) -> BadInputError:
    return BadInputError(f"approval {approval_id}: does not exist; allowed: the id of a question that was asked")


def _approval(row: Row) -> Approval:
    answered = {key: row.pop(key) for key in ("answer", "answered_by", "answered_at", "reason")}
    escalated_at, orphaned_at = row.pop("escalated_at"), row.pop("orphaned_at")
    request = ApprovalRequest(
        **{
            **row,
            "approval_id": str(row["approval_id"]),
            "kind": ApprovalKind(row["kind"]),
            "incident_id": optional_text(row["incident_id"]),
            "approvers": tuple(row["approvers"]),
        }
    )
    if answered["answer"] is None:
        return Approval(request, None, escalated_at, orphaned_at)
    answer = ApprovalAnswer(**{**answered, "approval_id": request.approval_id, "answer": Answer(answered["answer"])})
    return Approval(request, answer, escalated_at, orphaned_at)
