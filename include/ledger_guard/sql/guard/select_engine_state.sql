-- What the severity engine saved last for a trigger.
-- Parameters: trigger. Rows: one, or none at first. Index relied on: primary key of engine_state.
select judged_through, judged_at, state
from ledger_guard.engine_state
where trigger = %(trigger)s
