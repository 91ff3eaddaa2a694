-- One rotation.
-- Parameters: rotation_id (uuid). Rows: one or none. Index relied on: primary key of rotation_plan.
select rotation_id, provider, secret_name, incident_id, owner, steps, planned_at, due_at, done_at, done_by,
    overlap_hours
from ledger_guard.rotation_plan
where rotation_id = %(rotation_id)s
