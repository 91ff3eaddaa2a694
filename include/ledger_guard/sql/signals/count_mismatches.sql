-- Purpose: compared balances over all tenants in one statement: players whose wallet is not what the evidence gives, or can't be judged, out of all
-- players. What is counted is what a plan would hold: the rule is domain/differences.py.
-- Placeholders: judged (judged_wallets.sql). Parameters: those of the part, with no tenant_id, most_cents (bigint) and most_ids (integer, 0 or more). Rows: one a tenant with
-- players and cause (null: the wallet is right), by tenant. Of a cause: cents is by how much its wallets differ (available and held each by
-- itself and without sign, most_cents at most, null where no amount is known), without_amount in how many of them that is not known:
-- where an amount can't be read, or the ledger holds what nobody can add up. player_ids: those found, most_ids at most; null with 0.
select
    tenant_id,
    split_part(finding, '/', 1) as cause,
    count(*) as players,
    case when count(differs_by) > 0 then least(sum(differs_by::numeric), %(most_cents)s)::bigint end as cents,
    count(*) filter (where differs_by is null) as without_amount,
    (array_agg(player_id) filter (where finding is not null and %(most_ids)s > 0))[1:%(most_ids)s] as player_ids
from (
    select
        tenant_id,
        player_id,
        finding,
        case
            when split_part(finding, '/', 1) = 'unreadable' or finding in ('unexplained/unknown_word', 'unexplained/booked_twice') then null
            else abs(target_available - coalesce(wallet_available, 0)) + abs(target_pending - coalesce(wallet_pending, 0))
        end as differs_by
    from (
        {judged}
    ) as player_judged
) as player_compared
group by 1, 2
order by 1, 2
