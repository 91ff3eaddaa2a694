-- Remove the verdicts of tenants that a window has no verdict for any more.
-- Parameters: trigger, window_start (timestamptz), tenant_ids (text[]). Rows: none. Index relied on: primary key of verdict.
delete from ledger_guard.verdict
where trigger = %(trigger)s and window_start = %(window_start)s and tenant_id = any(%(tenant_ids)s)
