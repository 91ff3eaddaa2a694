-- Purpose: the session's differing players with their cause, as lines of a plan (domain/plan_lines.py). What a cause means is
-- domain/differences.py; both are held to the same cases.
-- Parameters: tenant_id, currency (text), void_statuses (text[], lower case), wallet_only_types (text[]),
-- provider_events_are_wallet_only (boolean), unreadable_from (double, whole units).
-- Rows: one line a player, by the bytes of the player id, over the copy protocol; amounts in cents.
-- Index: the ledger's unique (tenant, player, type, idempotency key), by its first two columns.
copy (
    with balance as (
        select
            d.*,
            wallet_available + wallet_pending - player_available - player_held as difference,
            player_available + player_held as player_total
        from differing d
        where d.finding <> 'float_noise'
    ), movement as (
        select
            b.player_id,
            b.difference,
            l.{ledger_created_at} as created_at,
            case lower(l.{ledger_direction}) when 'credit' then 1 when 'debit' then -1 end as sign,
            case when abs(l.{ledger_amount}) < %(unreadable_from)s then round(l.{ledger_amount}::text::numeric, 2) * 100 end as cents,
            l.{ledger_type} = any(%(wallet_only_types)s)
                or (%(provider_events_are_wallet_only)s and l.{ledger_provider_event} is not null) as is_wallet_only
        from balance b
        join {ledger} l on l.{ledger_tenant} = %(tenant_id)s and l.{ledger_player} = b.player_id
        where b.difference is not null
          and l.{ledger_currency} = %(currency)s
          and lower(coalesce(l.{ledger_status}, '')) <> all(%(void_statuses)s)
    ), running as (
        select
            movement.*,
            sum(cents) filter (where sign = 1) over (
                partition by player_id order by created_at desc nulls last, cents rows unbounded preceding
            ) as credits_so_far
        from movement
    ), facts as (
        select
            player_id,
            coalesce(sum(sign * cents), 0)::bigint as net,
            coalesce(sum(sign * cents) filter (where is_wallet_only), 0)::bigint as wallet_only_net,
            coalesce(bool_or(sign = 1 and credits_so_far = difference), false) as recent_credits_match,
            coalesce(bool_or(sign = 1 and is_wallet_only and cents = difference), false) as wallet_only_credit_matches,
            bool_and(sign is not null and cents is not null) as is_readable
        from running
        group by player_id
    )
    select
        b.player_id,
        %(currency)s,
        case
            when b.player_total is not null and not b.has_wallet then 'missing'
            when b.difference is null or not coalesce(f.is_readable, true) then 'protected'
            when b.difference = 0 then 'stale_wallet'
            when b.difference = coalesce(f.wallet_only_net, 0)
                or (b.difference > 0 and coalesce(f.wallet_only_credit_matches, false))
                or coalesce(f.net = b.player_total + b.difference, false) then 'protected'
            when coalesce(f.net = b.player_total, false) then 'stale_wallet'
            when b.difference > 0 and coalesce(f.recent_credits_match, false) then 'protected'
            when b.difference > 0 then 'unexplained'
            when coalesce(f.wallet_only_net, 0) = 0 then 'stale_wallet'
            else 'unexplained'
        end,
        coalesce(b.player_available, 0),
        coalesce(b.player_held, 0),
        b.wallet_available,
        b.wallet_pending,
        coalesce(f.wallet_only_net, 0)
    from balance b
    left join facts f on f.player_id = b.player_id
    order by b.player_id collate "C"
) to stdout
