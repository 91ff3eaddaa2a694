-- The questions that one run put about a subject and did not ask again, with their answers, in their order.
-- Parameters: kind, subject_id, run_id (null: the run that asked last). Rows: one a gate. Index relied on: approval_by_subject.
select
    asked.approval_id, asked.kind, asked.subject_id, asked.subject_hash, asked.incident_id, asked.requested_by, asked.approvers,
    asked.minimum_reason_characters, asked.requested_at, asked.expires_at, asked.dag_id, asked.run_id, asked.task_id, asked.link,
    asked.proposal, asked.approvers_needed, asked.ordinal, asked.incident_state, asked.is_break_glass, asked.escalated_at,
    asked.orphaned_at, given.answer, given.answered_by, given.answered_at, given.reason
from ledger_guard.approval as asked
left join ledger_guard.approval_answer as given on given.approval_id = asked.approval_id
where asked.kind = %(kind)s
  and asked.subject_id = %(subject_id)s
  and asked.run_id = coalesce(%(run_id)s::text, (
      select newest.run_id
      from ledger_guard.approval as newest
      where newest.kind = %(kind)s and newest.subject_id = %(subject_id)s and not newest.voided
      order by newest.requested_at desc, newest.position desc
      limit 1
  ))
  and not asked.voided
order by asked.ordinal, asked.position
