-- Purpose: players whose wallet alone was booked movements since a moment, and whose wallet holds just what the player row
-- does: such a movement moves the wallet away from its player, so something has overwritten it.
-- Placeholders: bookings, movements (sql/platform). Parameters: those of the parts; since (text, as find_newest_movement gave it;
-- a minute is added for movements that were under way).
-- Rows: one such player, by id. Index: the ledger's unique (tenant, player, type, idempotency key), by its first column; the
-- wallet table's primary key.
with booking as (
    {bookings}
), moved as (
    select player_id, sum(available) as available, sum(held) as held
    from (
        {movements}
    ) as movement
    where moves = 'wallet' and is_own_currency and is_readable and booked_at + interval '1 minute' > %(since)s
    group by player_id
)
select m.player_id
from moved m
join {player} p on p.{player_tenant} = %(tenant_id)s and p.{player_key} = m.player_id
join {wallet} w
    on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = m.player_id and w.{wallet_currency} = %(currency)s
where (m.available <> 0 or m.held <> 0)
  and {player_available_cents} = {wallet_available_cents}
  and {player_held_cents} = {wallet_pending_cents}
order by m.player_id
