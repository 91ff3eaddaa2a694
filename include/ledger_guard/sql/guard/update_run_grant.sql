-- Purpose: remember when a granted run began, or when people were told that it had not; the first time stays.
-- Parameters: run_id, begun_at, told_at (timestamptz or null). Rows: its run id; none when there is no such leave. Index: primary key.
update ledger_guard.run_grant
set begun_at = coalesce(begun_at, %(begun_at)s), told_at = coalesce(told_at, %(told_at)s)
where run_id = %(run_id)s
returning run_id
