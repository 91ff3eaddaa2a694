-- Bring in a plan's rows.
-- Parameters: none; rows come over the copy protocol, amounts in cents. Index relied on: none.
copy ledger_guard.plan_row (
    plan_id, player_id, currency, cause, reason, player_available, player_held, wallet_available, wallet_pending,
    target_available, target_pending, opening, wallet_only, player_only, counted_twice, other_currencies
) from stdin
