-- The rows with the largest |delta| among those of a plan that force may write.
-- Parameters: plan_id (uuid), limit (rows). Rows: at most limit, the largest first; amounts in cents.
-- Index relied on: primary key of plan_row.
select player_id, currency, cause, delta_cents
from (
    select
        player_id, currency, cause,
        target_available + target_pending - coalesce(wallet_available, 0) - coalesce(wallet_pending, 0) as delta_cents
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s and ledger_guard.is_writable(cause)
) as moved
order by abs(delta_cents) desc, player_id collate "C"
limit %(limit)s
