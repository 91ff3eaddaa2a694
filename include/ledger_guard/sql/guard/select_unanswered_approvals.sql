-- Questions of which nothing was recorded, not even silence, and whose run is not known to have ended; oldest first.
-- Parameters: none. Rows: one a question, at most 500. Index relied on: none, approvals are few.
select
    asked.approval_id, asked.kind, asked.subject_id, asked.subject_hash, asked.incident_id, asked.requested_by, asked.approvers,
    asked.minimum_reason_characters, asked.requested_at, asked.expires_at, asked.dag_id, asked.run_id, asked.task_id, asked.link,
    asked.proposal, asked.approvers_needed, asked.ordinal, asked.incident_state, asked.is_break_glass, asked.escalated_at,
    asked.orphaned_at, given.answer, given.answered_by, given.answered_at, given.reason
from ledger_guard.approval as asked
left join ledger_guard.approval_answer as given on given.approval_id = asked.approval_id
where given.approval_id is null and not asked.voided and asked.orphaned_at is null
order by asked.requested_at, asked.position
limit 500
