-- Record that a pending rotation took place.
-- Parameters: rotation_id (uuid), done_by, done_at (timestamptz). Rows: one or none. Index relied on: primary key of rotation_plan.
update ledger_guard.rotation_plan
set done_at = %(done_at)s, done_by = %(done_by)s
where rotation_id = %(rotation_id)s and done_at is null
returning rotation_id
