-- The newest window of a trigger that has a verdict.
-- Parameters: trigger. Rows: one, or none at first. Index relied on: primary key of verdict.
select window_start, window_seconds
from ledger_guard.verdict
where trigger = %(trigger)s
order by window_start desc
limit 1
