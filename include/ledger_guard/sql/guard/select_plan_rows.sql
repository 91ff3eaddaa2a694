-- A plan's rows by player id, amounts in cents, with what became of each.
-- Parameters: plan_id (uuid). Rows: one a wallet row of the plan. Index relied on: primary key of plan_row, before_image's
-- unique key.
select
    player_id, currency, cause, reason, player_available, player_held, wallet_available, wallet_pending,
    target_available, target_pending, opening, wallet_only, player_only, counted_twice, other_currencies, state
from ledger_guard.plan_row_state
where plan_id = %(plan_id)s
order by player_id collate "C", currency collate "C"
