-- Rotations planned for an incident, done ones included, oldest first.
-- Parameters: incident_id (uuid). Rows: one a rotation. Index relied on: none, they are few.
select rotation_id, provider, secret_name, incident_id, owner, steps, planned_at, due_at, done_at, done_by,
    overlap_hours
from ledger_guard.rotation_plan
where incident_id = %(incident_id)s
order by planned_at, position
