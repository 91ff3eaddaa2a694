-- Purpose: move rows of a plan from one state to the next. Parameters: plan_id (uuid), player_ids (text[]),
-- from_states (text[]), to_state (text). Rows: none; the count of changed rows must be that of player_ids.
-- Index: plan_row's primary key.
update ledger_guard.plan_row
set state = %(to_state)s
where plan_id = %(plan_id)s and player_id = any(%(player_ids)s) and state = any(%(from_states)s)
