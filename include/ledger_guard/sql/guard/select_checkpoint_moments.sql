-- How far each stored checkpoint of a trigger's engine has seen, oldest first; not the states, which are big.
-- Parameters: trigger. Rows: a few. Index relied on: primary key of engine_checkpoint.
select judged_through
from ledger_guard.engine_checkpoint
where trigger = %(trigger)s
order by judged_through
