-- Purpose: what the ledger says about players whose wallets differ; the cause rule reads it (domain/differences.py).
-- Parameters: tenant_id, currency (text), player_ids (text[]) with differences (bigint[], cents, wallet minus player, same
-- order), void_statuses (text[], lower case), wallet_only_types (text[]), provider_events_are_wallet_only (boolean),
-- unreadable_from (double, whole units).
-- Rows: one a player that has movements; amounts in cents.
-- Index: the ledger's unique (tenant, player, type, idempotency key), by its first two columns.
with candidate as (
    select c.player_id, c.difference
    from unnest(%(player_ids)s::text[], %(differences)s::bigint[]) as c (player_id, difference)
), movement as (
    select
        c.player_id,
        c.difference,
        l.{ledger_created_at} as created_at,
        case lower(l.{ledger_direction}) when 'credit' then 1 when 'debit' then -1 end as sign,
        case when abs(l.{ledger_amount}) < %(unreadable_from)s then round(l.{ledger_amount}::text::numeric, 2) * 100 end as cents,
        l.{ledger_type} = any(%(wallet_only_types)s)
            or (%(provider_events_are_wallet_only)s and l.{ledger_provider_event} is not null) as is_wallet_only
    from candidate c
    join {ledger} l on l.{ledger_tenant} = %(tenant_id)s and l.{ledger_player} = c.player_id
    where l.{ledger_currency} = %(currency)s
      and lower(coalesce(l.{ledger_status}, '')) <> all(%(void_statuses)s)
), running as (
    select
        movement.*,
        sum(cents) filter (where sign = 1) over (
            partition by player_id order by created_at desc nulls last, cents rows unbounded preceding
        ) as credits_so_far
    from movement
)
select
    player_id,
    coalesce(sum(sign * cents), 0)::bigint as net,
    coalesce(sum(sign * cents) filter (where is_wallet_only), 0)::bigint as wallet_only_net,
    coalesce(bool_or(sign = 1 and credits_so_far = difference), false) as recent_credits_match,
    coalesce(bool_or(sign = 1 and is_wallet_only and cents = difference), false) as wallet_only_credit_matches,
    bool_and(sign is not null and cents is not null) as is_readable
from running
group by player_id
