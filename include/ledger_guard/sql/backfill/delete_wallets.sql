-- Purpose: take back wallet rows that force made, each only if it is as force left it, bonus columns included.
-- Parameters: tenant_id, currency (text), player_ids (text[]), before_available, before_pending (double[], same order),
-- fill_bonus (boolean: force gave it the player's bonus, else 0). Rows: one a wallet removed. Index: the wallet table's primary key.
delete from {wallet} w
using unnest(%(player_ids)s::text[], %(before_available)s::float8[], %(before_pending)s::float8[])
    as n (player_id, before_available, before_pending)
join {player} p on p.{player_key} = n.player_id and p.{player_tenant} = %(tenant_id)s
where w.{wallet_tenant} = %(tenant_id)s
  and w.{wallet_player} = n.player_id
  and w.{wallet_currency} = %(currency)s
  and w.{wallet_available} = n.before_available
  and w.{wallet_pending} = n.before_pending
  and w.{wallet_bonus_available} = case when %(fill_bonus)s then p.{player_bonus} else 0 end
  and w.{wallet_bonus_pending} = 0
returning w.{wallet_player} as player_id
