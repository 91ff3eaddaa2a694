-- Purpose: one tenant's players whose wallet in one currency is missing, differs, or can't be read. Amounts in cents, null
-- where unreadable; equal in cents but not as doubles is `float_noise`.
-- Parameters: tenant_id (text, exact), currency (text), unreadable_from (double, whole units: NaN, infinities and amounts from
-- here on are not readable as cents; NaN sorts above every number). Rows: none, they go into the session's `differing`.
-- Index: the wallet table's primary key (tenant, player, currency); players have no index on their tenant.
insert into differing
select
    player_id,
    case
        when player_available is null or player_held is null then 'unreadable'
        when not has_wallet then 'missing'
        when wallet_available is null or wallet_pending is null then 'unreadable'
        when player_available = wallet_available and player_held = wallet_pending then 'float_noise'
        else 'different'
    end,
    has_wallet, player_available, player_held, wallet_available, wallet_pending
from (
    select
        p.{player_key} as player_id,
        w.{wallet_player} is not null as has_wallet,
        case when abs(p.{player_available}) < %(unreadable_from)s
            then (round(p.{player_available}::text::numeric, 2) * 100)::bigint end as player_available,
        case when abs(p.{player_held}) < %(unreadable_from)s
            then (round(p.{player_held}::text::numeric, 2) * 100)::bigint end as player_held,
        case when abs(w.{wallet_available}) < %(unreadable_from)s
            then (round(w.{wallet_available}::text::numeric, 2) * 100)::bigint end as wallet_available,
        case when abs(w.{wallet_pending}) < %(unreadable_from)s
            then (round(w.{wallet_pending}::text::numeric, 2) * 100)::bigint end as wallet_pending
    from {player} p
    left join {wallet} w
        on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = p.{player_key} and w.{wallet_currency} = %(currency)s
    where p.{player_tenant} = %(tenant_id)s
      and not coalesce(
          p.{player_available} = w.{wallet_available} and p.{player_held} = w.{wallet_pending}
              and abs(p.{player_available}) < %(unreadable_from)s and abs(p.{player_held}) < %(unreadable_from)s,
          false
      )
) as unequal
