-- Purpose: the writable rows of a plan in a range of player ids, as the dry-run saw them; amounts in cents.
-- Parameters: plan_id (uuid), after, through (text). Rows: one a row, by player id. Index: plan_row's primary key.
select
    player_id, currency, cause, player_available, player_held, wallet_available, wallet_pending, target_available, target_pending
from ledger_guard.plan_row
where plan_id = %(plan_id)s and player_id > %(after)s and player_id <= %(through)s and ledger_guard.is_writable(cause)
order by player_id
