-- Purpose: the next rows of a plan in one state. Parameters: plan_id (uuid), state (text), limit (rows).
-- Rows: at most limit, by player id. Index: plan_row_by_state.
select player_id
from ledger_guard.plan_row
where plan_id = %(plan_id)s and state = %(state)s
order by player_id
limit %(limit)s
