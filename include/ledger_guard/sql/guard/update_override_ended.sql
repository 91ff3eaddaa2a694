-- End an override before it expires.
-- Parameters: override_id (uuid), ended_at (timestamptz), ended_by. Rows: none. Index relied on: primary key of freeze_override.
update ledger_guard.freeze_override
set ended_at = %(ended_at)s, ended_by = %(ended_by)s
where override_id = %(override_id)s
