-- Every question of an incident with its answer, oldest first.
-- Parameters: incident_id (uuid). Rows: one a question. Index relied on: none, they are few.
select
    asked.approval_id, asked.kind, asked.subject_id, asked.subject_hash, asked.incident_id, asked.requested_by, asked.approvers,
    asked.minimum_reason_characters, asked.requested_at, asked.expires_at, asked.dag_id, asked.run_id, asked.task_id, asked.link,
    asked.proposal, asked.approvers_needed, asked.ordinal, asked.incident_state, asked.is_break_glass, asked.escalated_at,
    asked.orphaned_at, given.answer, given.answered_by, given.answered_at, given.reason
from ledger_guard.approval as asked
left join ledger_guard.approval_answer as given on given.approval_id = asked.approval_id
where asked.incident_id = %(incident_id)s
order by asked.requested_at, asked.position
