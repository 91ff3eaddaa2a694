-- Rotations that are planned and not done, oldest first.
-- Parameters: incident_id (uuid; null: of any incident). Rows: one a rotation. Index relied on: rotation_one_pending.
select rotation_id, provider, secret_name, incident_id, owner, steps, planned_at, due_at, done_at, done_by,
    overlap_hours
from ledger_guard.rotation_plan
where done_at is null and (%(incident_id)s::uuid is null or incident_id = %(incident_id)s::uuid)
order by planned_at, position
