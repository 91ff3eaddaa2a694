-- Purpose: one tenant's players against its wallets in one currency: differing rows one by one, the rest counted.
-- Parameters: tenant_id (text, exact), currency (text), unreadable_from (double, whole units: NaN, infinities and
-- amounts from here on are not readable as cents; NaN sorts above every number).
-- Rows: one a differing player, with amounts in cents (null where unreadable), and one a kind of count.
-- Index: the wallet table's primary key (tenant, player, currency); players have no index on their tenant.
with compared as materialized (
    select
        p.{player_key} as player_id,
        p.{player_available} as player_available,
        p.{player_held} as player_held,
        w.{wallet_available} as wallet_available,
        w.{wallet_pending} as wallet_pending,
        w.{wallet_player} is not null as has_wallet,
        case
            when not (abs(p.{player_available}) < %(unreadable_from)s and abs(p.{player_held}) < %(unreadable_from)s)
                then 'unreadable'
            when w.{wallet_player} is null then 'missing'
            when not (abs(w.{wallet_available}) < %(unreadable_from)s and abs(w.{wallet_pending}) < %(unreadable_from)s)
                then 'unreadable'
            when p.{player_available} = w.{wallet_available} and p.{player_held} = w.{wallet_pending} then 'equal'
            when round(p.{player_available}::text::numeric, 2) = round(w.{wallet_available}::text::numeric, 2)
                and round(p.{player_held}::text::numeric, 2) = round(w.{wallet_pending}::text::numeric, 2)
                then 'float_noise'
            else 'different'
        end as finding
    from {player} p
    left join {wallet} w
        on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = p.{player_key} and w.{wallet_currency} = %(currency)s
    where p.{player_tenant} = %(tenant_id)s
)
select
    finding,
    player_id,
    has_wallet,
    case when abs(player_available) < %(unreadable_from)s then (round(player_available::text::numeric, 2) * 100)::bigint end
        as player_available,
    case when abs(player_held) < %(unreadable_from)s then (round(player_held::text::numeric, 2) * 100)::bigint end
        as player_held,
    case when abs(wallet_available) < %(unreadable_from)s then (round(wallet_available::text::numeric, 2) * 100)::bigint end
        as wallet_available,
    case when abs(wallet_pending) < %(unreadable_from)s then (round(wallet_pending::text::numeric, 2) * 100)::bigint end
        as wallet_pending,
    1 as found
from compared
where finding in ('missing', 'different', 'unreadable')
union all
select 'players', null, null, null, null, null, null, count(*)
from compared
union all
select 'float_noise', null, null, null, null, null, null, count(*)
from compared
where finding = 'float_noise'
union all
select 'other_currency', null, null, null, null, null, null, count(*)
from {wallet} w
where w.{wallet_tenant} = %(tenant_id)s and w.{wallet_currency} <> %(currency)s
union all
select 'orphan', null, null, null, null, null, null, count(*)
from {wallet} w
where w.{wallet_tenant} = %(tenant_id)s
  and not exists (select from compared where compared.player_id = w.{wallet_player})
