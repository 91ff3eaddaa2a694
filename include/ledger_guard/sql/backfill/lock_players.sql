-- Purpose: lock a batch's player rows, always before their wallets and in order of id, and read what they hold.
-- Parameters: tenant_id (text), player_ids (text[]), fill_bonus (boolean: new wallets get the player's bonus).
-- Rows: one a player that exists; doubles as stored.
-- Index: the player table's primary key. Bounded by lock_timeout.
select p.{player_key} as player_id, p.{player_available} as available, p.{player_held} as held,
    case when %(fill_bonus)s then p.{player_bonus} else 0 end as new_wallet_bonus
from {player} p
where p.{player_key} = any(%(player_ids)s) and p.{player_tenant} = %(tenant_id)s
order by p.{player_key}
for update
