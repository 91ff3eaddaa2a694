-- The players of a plan's writable rows, behind one of them.
-- Parameters: plan_id (uuid), after (player id, '' for the first), limit. Rows: 0..limit, in order.
-- Index relied on: the primary key of plan_row.
select distinct player_id
from ledger_guard.plan_row
where plan_id = %(plan_id)s and player_id > %(after)s and ledger_guard.is_writable(cause)
order by player_id
limit %(limit)s
