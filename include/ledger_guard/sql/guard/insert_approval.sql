-- Store a question.
-- Parameters: every column but voided and escalated_at. Rows: one when stored, none when the id is taken. Index relied on: primary key of approval.
insert into ledger_guard.approval (
    approval_id, kind, subject_id, subject_hash, incident_id, requested_by, approvers, minimum_reason_characters, requested_at,
    expires_at, dag_id, run_id, task_id, link, proposal, approvers_needed, ordinal, incident_state,
    is_break_glass
)
values (
    %(approval_id)s, %(kind)s, %(subject_id)s, %(subject_hash)s, %(incident_id)s, %(requested_by)s, %(approvers)s,
    %(minimum_reason_characters)s, %(requested_at)s, %(expires_at)s, %(dag_id)s, %(run_id)s, %(task_id)s, %(link)s, %(proposal)s,
    %(approvers_needed)s, %(ordinal)s, %(incident_state)s, %(is_break_glass)s
)
on conflict (approval_id) do nothing
returning approval_id
