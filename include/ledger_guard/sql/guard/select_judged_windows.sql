-- What was judged of each window that may still change, oldest first.
-- Parameters: trigger. Rows: one a window of the last hours. Index relied on: primary key of judged_window.
select window_start, revision, quarantined
from ledger_guard.judged_window
where trigger = %(trigger)s
order by window_start
