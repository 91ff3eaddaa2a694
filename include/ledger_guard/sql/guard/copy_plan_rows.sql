-- Bring in a plan's rows.
-- Parameters: none; rows come over the copy protocol, amounts in cents. Index relied on: none.
copy ledger_guard.plan_row (
    plan_id, player_id, currency, cause, player_available, player_held, wallet_available, wallet_pending, ledger_explained
) from stdin
