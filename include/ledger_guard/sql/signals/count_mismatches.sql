-- Purpose: T3 over all tenants in one statement: players whose wallet is missing or differs in cents and whom the ledger
-- does not explain, out of players compared. Float noise is no difference; an amount that can't be read as cents (NaN,
-- infinities) is one. What the ledger explains follows domain/differences.py: such rows are `protected` in a plan.
-- Parameters: currency (text), unreadable_from (double, whole units), void_statuses (text[], lower case),
-- wallet_only_types (text[]), provider_events_are_wallet_only (boolean).
-- Rows: one a tenant with players. Index: the wallet table's primary key and the ledger's unique (tenant, player, …) where
-- few players differ; players are scanned once.
with compared as materialized (
    select
        p.{player_tenant} as tenant_id,
        p.{player_key} as player_id,
        p.{player_available} as player_available,
        p.{player_held} as player_held,
        w.{wallet_available} as wallet_available,
        w.{wallet_pending} as wallet_pending,
        case
            when w.{wallet_player} is null then 'missing'
            when not (
                abs(p.{player_available}) < %(unreadable_from)s and abs(p.{player_held}) < %(unreadable_from)s
                and abs(w.{wallet_available}) < %(unreadable_from)s and abs(w.{wallet_pending}) < %(unreadable_from)s
            ) then 'unreadable'
            when p.{player_available} = w.{wallet_available} and p.{player_held} = w.{wallet_pending} then 'equal'
            when round(p.{player_available}::text::numeric, 2) = round(w.{wallet_available}::text::numeric, 2)
                and round(p.{player_held}::text::numeric, 2) = round(w.{wallet_pending}::text::numeric, 2)
                then 'equal'
            else 'different'
        end as finding
    from {player} p
    left join {wallet} w
        on w.{wallet_tenant} = p.{player_tenant} and w.{wallet_player} = p.{player_key} and w.{wallet_currency} = %(currency)s
), differing as (
    select
        tenant_id,
        player_id,
        round(player_available::text::numeric, 2) + round(player_held::text::numeric, 2) as player_total,
        round(wallet_available::text::numeric, 2) + round(wallet_pending::text::numeric, 2) as wallet_total
    from compared
    where finding = 'different'
), movement as (
    select
        d.tenant_id,
        d.player_id,
        d.player_total,
        d.wallet_total,
        l.{ledger_created_at} as created_at,
        case lower(l.{ledger_direction}) when 'credit' then 1 when 'debit' then -1 end as sign,
        case when abs(l.{ledger_amount}) < %(unreadable_from)s then round(l.{ledger_amount}::text::numeric, 2) end as amount,
        l.{ledger_type} = any(%(wallet_only_types)s)
            or (%(provider_events_are_wallet_only)s and l.{ledger_provider_event} is not null) as is_wallet_only
    from differing d
    join {ledger} l on l.{ledger_tenant} = d.tenant_id and l.{ledger_player} = d.player_id
    where d.wallet_total <> d.player_total
      and l.{ledger_currency} = %(currency)s
      and lower(coalesce(l.{ledger_status}, '')) <> all(%(void_statuses)s)
), running as (
    select
        movement.*,
        sum(amount) filter (where sign = 1) over (
            partition by tenant_id, player_id order by created_at desc nulls last, amount rows unbounded preceding
        ) as credits_so_far
    from movement
), facts as (
    select
        tenant_id,
        player_id,
        wallet_total,
        player_total,
        wallet_total - player_total as difference,
        coalesce(sum(sign * amount), 0) as net,
        coalesce(sum(sign * amount) filter (where is_wallet_only), 0) as wallet_only_net,
        coalesce(bool_or(sign = 1 and credits_so_far = wallet_total - player_total), false) as recent_credits_match,
        coalesce(bool_or(sign = 1 and is_wallet_only and amount = wallet_total - player_total), false)
            as wallet_only_credit_matches
    from running
    group by tenant_id, player_id, wallet_total, player_total
), explained as (
    select tenant_id, player_id
    from facts
    where difference = wallet_only_net
       or net = wallet_total
       or (difference > 0 and wallet_only_credit_matches)
       or (difference > 0 and recent_credits_match and net <> player_total)
)
select
    c.tenant_id,
    count(*) as exposure,
    count(*) filter (where c.finding <> 'equal' and e.player_id is null) as events
from compared c
left join explained e on e.tenant_id = c.tenant_id and e.player_id = c.player_id
group by c.tenant_id
order by c.tenant_id
