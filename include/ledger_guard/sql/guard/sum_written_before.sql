-- What force wrote to a tenant's wallets after a moment, for other plans than one, whatever was undone since; single_delta_cents: the
-- most that one wallet was moved then and would be by this plan, together. Intents whose write is not settled count as written.
-- Parameters: plan_id (uuid), tenant_id (text), since (timestamptz). Rows: exactly one; amounts in cents.
-- Index relied on: plan_by_tenant, then the primary keys of before_image and plan_row.
with written as materialized (
    select
        r.player_id,
        r.currency,
        r.cause,
        abs(r.target_available - coalesce(r.wallet_available, 0)) + abs(r.target_pending - coalesce(r.wallet_pending, 0)) as moved
    from ledger_guard.plan p
    join ledger_guard.before_image b on b.plan_id = p.plan_id and b.operation = 'force' and b.written_at > %(since)s
    join ledger_guard.plan_row r on r.plan_id = b.plan_id and r.player_id = b.player_id and r.currency = b.currency
    where p.tenant_id = %(tenant_id)s and p.plan_id <> %(plan_id)s
)
select
    count(*) as rows,
    count(*) filter (where cause in ('lost_update', 'disputed')) as disputed_rows,
    coalesce(sum(moved), 0)::bigint as total_delta_cents,
    (
        select coalesce(max(
            earlier.moved
            + abs(r.target_available - coalesce(r.wallet_available, 0)) + abs(r.target_pending - coalesce(r.wallet_pending, 0))
        ), 0)::bigint
        from ledger_guard.plan_row r
        join (
            select player_id, currency, sum(moved) as moved from written group by player_id, currency
        ) as earlier on earlier.player_id = r.player_id and earlier.currency = r.currency
        where r.plan_id = %(plan_id)s and ledger_guard.is_writable(r.cause)
    ) as single_delta_cents
from written
