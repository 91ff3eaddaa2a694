-- What force wrote to a tenant's wallets after a moment, for other plans than one, whatever was undone since; single_delta_cents: the
-- most that one wallet was moved then and would be by this plan, together. Intents whose write is not settled count as written.
-- Which plans wrote to the tenant is what the audit log's entries of each batch say: a plan's own tenant can be edited unnoticed.
-- Parameters: plan_id (uuid), tenant_id (text), since (timestamptz). Rows: exactly one; amounts in cents.
-- Index relied on: audit_entry_by_tenant_and_verb, then the primary keys of before_image and plan_row.
with forced as materialized (
    select distinct case
        -- a subject that is no plan's id is nobody's write, and must not fail the cast
        when subject ~ '^plan:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then substr(subject, length('plan:') + 1)::uuid
    end as plan_id
    from ledger_guard.audit_entry
    where tenant_id = %(tenant_id)s
      and verb = 'force'
      and at > %(since)s
), written as materialized (
    select
        r.player_id,
        r.currency,
        r.cause,
        abs(r.target_available - coalesce(r.wallet_available, 0)) + abs(r.target_pending - coalesce(r.wallet_pending, 0)) as moved
    from forced f
    join ledger_guard.before_image b on b.plan_id = f.plan_id and b.operation = 'force' and b.written_at > %(since)s
    join ledger_guard.plan_row r on r.plan_id = b.plan_id and r.player_id = b.player_id and r.currency = b.currency
    where f.plan_id <> %(plan_id)s
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
