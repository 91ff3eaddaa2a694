-- Plan a rotation unless one is pending for the same secret.
-- Parameters: every column. Rows: one when stored, else none. Index relied on: rotation_one_pending.
insert into ledger_guard.rotation_plan (
    rotation_id, provider, secret_name, incident_id, owner, steps, planned_at, due_at, done_at, done_by, overlap_hours
)
values (
    %(rotation_id)s, %(provider)s, %(secret_name)s, %(incident_id)s, %(owner)s, %(steps)s, %(planned_at)s, %(due_at)s, %(done_at)s,
    %(done_by)s, %(overlap_hours)s
)
on conflict do nothing
returning rotation_id
