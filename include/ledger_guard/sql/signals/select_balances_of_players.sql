-- Purpose: what player row and wallet row have available for certain players, to tell "short of funds" from "wallet behind".
-- Parameters: tenant_ids, player_ids (text[], same order), currency (text), unreadable_from (double, whole units).
-- Rows: one a player that exists; amounts in cents, null where the row is missing or the amount unreadable.
-- Index: primary keys of player and wallet.
select
    p.{player_tenant} as tenant_id,
    p.{player_key} as player_id,
    case when abs(p.{player_available}) < %(unreadable_from)s
        then (round(p.{player_available}::text::numeric, 2) * 100)::bigint end as player_available,
    case when abs(w.{wallet_available}) < %(unreadable_from)s
        then (round(w.{wallet_available}::text::numeric, 2) * 100)::bigint end as wallet_available
from unnest(%(tenant_ids)s::text[], %(player_ids)s::text[]) as asked (tenant_id, player_id)
join {player} p on p.{player_key} = asked.player_id and p.{player_tenant} = asked.tenant_id
left join {wallet} w
    on w.{wallet_tenant} = asked.tenant_id and w.{wallet_player} = asked.player_id and w.{wallet_currency} = %(currency)s
