-- Readings whose window begins in [start, end), by window, then tenant.
-- Parameters: trigger, start, end (timestamptz). Rows: one a tenant and window. Index relied on: primary key of signal_window.
select window_start, window_seconds, tenant_id, events, exposure, subjects
from ledger_guard.signal_window
where trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
order by window_start, tenant_id collate "C"
