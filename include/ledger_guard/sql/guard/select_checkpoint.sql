-- The newest checkpoint of a trigger's engine that has seen nothing after a moment.
-- Parameters: trigger, moment (timestamptz). Rows: one, or none. Index relied on: primary key of engine_checkpoint.
select judged_through, state
from ledger_guard.engine_checkpoint
where trigger = %(trigger)s and judged_through <= %(moment)s
order by judged_through desc
limit 1
