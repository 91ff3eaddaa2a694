-- What force would do to a plan's writable rows, all together: what the guardrails are held against.
-- Parameters: plan_id (uuid). Rows: exactly one; amounts in cents. Index relied on: primary key of plan_row.
select
    count(*) as rows,
    count(*) filter (where cause in ('lost_update', 'disputed')) as disputed_rows,
    coalesce(sum(moved), 0)::bigint as total_delta_cents,
    coalesce(max(moved), 0)::bigint as single_delta_cents
from (
    select
        cause,
        abs(target_available - coalesce(wallet_available, 0)) + abs(target_pending - coalesce(wallet_pending, 0)) as moved
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s and ledger_guard.is_writable(cause)
) writable
