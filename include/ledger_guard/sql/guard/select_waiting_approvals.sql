-- Unanswered questions that have not expired and whose run has not ended, oldest first; at the very moment of expiry an answer still
-- counts. Parameters: now (timestamptz). Rows: one a question. Index relied on: none, approvals are few.
select
    asked.approval_id, asked.kind, asked.subject_id, asked.subject_hash, asked.incident_id, asked.requested_by, asked.approvers,
    asked.minimum_reason_characters, asked.requested_at, asked.expires_at, asked.dag_id, asked.run_id, asked.task_id, asked.link,
    asked.proposal, asked.approvers_needed, asked.ordinal, asked.incident_state, asked.is_break_glass, asked.escalated_at,
    asked.orphaned_at, given.answer, given.answered_by, given.answered_at, given.reason
from ledger_guard.approval as asked
left join ledger_guard.approval_answer as given on given.approval_id = asked.approval_id
where given.approval_id is null and not asked.voided and asked.orphaned_at is null and asked.expires_at >= %(now)s
order by asked.requested_at, asked.position
