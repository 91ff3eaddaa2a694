-- As copy_plan_content, for a plan that was made before targets were kept: its hash covers other lines.
-- Parameters: plan_id (uuid). Rows: one line a wallet row, over the copy protocol. Index relied on: primary key of plan_row.
copy (
    select player_id, currency, cause, player_available, player_held, wallet_available, wallet_pending, wallet_only
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s
    order by player_id collate "C", currency collate "C"
) to stdout
