-- Verdicts whose window begins in [start, end), by window, then tenant.
-- Parameters: trigger, start, end (timestamptz). Rows: one a tenant and window. Index relied on: primary key of verdict.
select window_start, window_seconds, tenant_id, severity, scope, sentence, reasons
from ledger_guard.verdict
where trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
order by window_start, tenant_id collate "C"
