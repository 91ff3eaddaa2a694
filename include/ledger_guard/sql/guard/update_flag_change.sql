-- Record that a change was confirmed or not.
-- Parameters: change_id (uuid), status, confirmed_at (timestamptz or null), finding. Rows: one or none. Index relied on: primary key of flag_change.
update ledger_guard.flag_change
set status = %(status)s, confirmed_at = %(confirmed_at)s, finding = %(finding)s
where change_id = %(change_id)s
returning change_id
