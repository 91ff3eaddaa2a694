-- Purpose: make wallet rows that are missing. A row that somebody made meanwhile is left alone and not returned.
-- Parameters: tenant_id, currency (text), player_ids (text[]), available and pending (double[], same order), fill_bonus
-- (boolean: the player's bonus, else 0).
-- Rows: one a wallet made. Index: the wallet table's primary key.
insert into {wallet} as w (
    {wallet_tenant}, {wallet_player}, {wallet_currency}, {wallet_available}, {wallet_pending},
    {wallet_bonus_available}, {wallet_bonus_pending}, {wallet_updated_at}
)
select %(tenant_id)s, n.player_id, %(currency)s, n.available, n.pending,
    case when %(fill_bonus)s then p.{player_bonus} else 0 end, 0, now()
from unnest(%(player_ids)s::text[], %(available)s::float8[], %(pending)s::float8[]) as n (player_id, available, pending)
join {player} p on p.{player_key} = n.player_id and p.{player_tenant} = %(tenant_id)s
order by n.player_id
on conflict ({wallet_tenant}, {wallet_player}, {wallet_currency}) do nothing
returning w.{wallet_player} as player_id
