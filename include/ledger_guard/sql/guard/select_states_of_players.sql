-- What became of a plan's rows of certain players.
-- Parameters: plan_id (uuid), player_ids (text[]). Rows: one a player that the plan has a row of.
-- Index relied on: primary key of plan_row, before_image's unique key.
select player_id, state
from ledger_guard.plan_row_state
where plan_id = %(plan_id)s and player_id = any(%(player_ids)s)
