-- The rotation of a secret that was done last.
-- Parameters: secret_name. Rows: one or none. Index relied on: rotation_by_secret.
select rotation_id, provider, secret_name, incident_id, owner, steps, planned_at, due_at, done_at, done_by,
    overlap_hours
from ledger_guard.rotation_plan
where secret_name = %(secret_name)s and done_at is not null
order by done_at desc, position desc
limit 1
