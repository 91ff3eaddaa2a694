-- A plan's rows as the lines that its hash covers (domain/plan_rows.py), in the order of player ids' bytes.
-- Parameters: plan_id (uuid). Rows: one line a wallet row, over the copy protocol. Index relied on: primary key of plan_row.
copy (
    select
        player_id, currency, cause, reason, player_available, player_held, wallet_available, wallet_pending, target_available,
        target_pending, opening, wallet_only, player_only, counted_twice, other_currencies
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s
    order by player_id collate "C", currency collate "C"
) to stdout
