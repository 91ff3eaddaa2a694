-- Purpose: what windows had of tenants that the platform does not have.
-- Parameters: trigger (text), start, end (timestamptz, half-open). Rows: one a window that had some. Index: set_apart's primary key.
select window_start, tenants, events, exposure
from ledger_guard.set_apart
where signal_trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s and tenants > 0
order by window_start
