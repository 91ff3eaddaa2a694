-- Readings whose window begins in [start, end), by window, then tenant.
-- Parameters: trigger, start, end (timestamptz). Rows: one a tenant and window; without_amount is null where the
-- money is not known at all. Index relied on: primary key of signal_window.
select window_start, window_seconds, tenant_id, events, exposure, subjects, at_risk_cents, without_amount, by_cause, differs_since
from ledger_guard.signal_window
where trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
order by window_start, tenant_id collate "C"
