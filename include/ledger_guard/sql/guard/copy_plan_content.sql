-- What a plan's hash covers of its rows, as text lines in the order of player ids' bytes (domain/plans.py makes the same).
-- Parameters: plan_id (uuid). Rows: one line a wallet row, over the copy protocol. Index relied on: primary key of plan_row.
copy (
    select player_id, currency, cause, player_available, player_held, wallet_available, wallet_pending
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s
    order by player_id collate "C", currency collate "C"
) to stdout
