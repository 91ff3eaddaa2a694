-- Purpose: players with a short ledger, the same ones each time, with what player and wallet hold. Amounts in cents.
-- Placeholders: cents of the balances. Parameters: currency (text), unreadable_from (double), players, rows (integer, at most).
-- Rows: at most `players`, in no order that size or age could tell. Index: the ledger's unique (tenant, player, …).
select
    p.{player_tenant} as tenant_id,
    p.{player_key} as player_id,
    {player_available_cents}::bigint as available,
    {player_held_cents}::bigint as held,
    {wallet_available_cents}::bigint as wallet_available,
    {wallet_pending_cents}::bigint as wallet_pending
from {player} p
join (
    select l.{ledger_tenant} as tenant_id, l.{ledger_player} as player_id
    from {ledger} l
    group by 1, 2
    having count(*) <= %(rows)s
) as of_ledger on of_ledger.tenant_id = p.{player_tenant} and of_ledger.player_id = p.{player_key}
left join {wallet} w
    on w.{wallet_tenant} = p.{player_tenant} and w.{wallet_player} = p.{player_key} and w.{wallet_currency} = %(currency)s
order by md5(p.{player_key}), p.{player_key}
limit %(players)s
