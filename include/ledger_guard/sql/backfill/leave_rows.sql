-- Purpose: record rows of a plan that an operation left alone. Parameters: plan_id (uuid), operation, currency (text),
-- player_ids (text[]), at (timestamptz). Rows: none.
insert into ledger_guard.row_left_alone (plan_id, operation, player_id, currency, left_at)
select %(plan_id)s, %(operation)s, n.player_id, %(currency)s, %(at)s
from unnest(%(player_ids)s::text[]) as n (player_id)
