-- Sensed windows that begin in [start, end), oldest first.
-- Parameters: trigger, start, end (timestamptz). Rows: one a window. Index relied on: primary key of sensed_window.
select trigger, window_start, window_seconds, state, reason, sensed_at, revision
from ledger_guard.sensed_window
where trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
order by window_start
