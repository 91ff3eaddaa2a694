-- The newest sensed window of a trigger.
-- Parameters: trigger. Rows: one, or none at first. Index relied on: primary key of sensed_window.
select window_start, window_seconds
from ledger_guard.sensed_window
where trigger = %(trigger)s
order by window_start desc
limit 1
