-- Purpose: players whose wallet alone was booked movements since a moment, and whose wallet holds just what the player row
-- does: such a movement lifts the wallet above its player, so something has overwritten it.
-- Parameters: tenant_id (text, exact), currency (text), since (text, as find_newest_movement gave it; a minute is added for
-- movements that were under way), void_statuses (text[], lower case), wallet_only_types (text[]),
-- provider_events_are_wallet_only (boolean), unreadable_from (double, whole units).
-- Rows: one such player, by id. Index: the ledger's unique (tenant, player, type, idempotency key), by its first column; the
-- wallet table's primary key.
with moved as (
    select
        l.{ledger_player} as player_id,
        sum(
            case lower(l.{ledger_direction}) when 'debit' then -1 else 1 end * round(l.{ledger_amount}::text::numeric, 2)
        ) as net
    from {ledger} l
    where l.{ledger_tenant} = %(tenant_id)s
      and l.{ledger_currency} = %(currency)s
      and l.{ledger_created_at} + interval '1 minute' > %(since)s
      and lower(coalesce(l.{ledger_status}, '')) <> all(%(void_statuses)s)
      and abs(l.{ledger_amount}) < %(unreadable_from)s
      and (
          l.{ledger_type} = any(%(wallet_only_types)s)
          or (%(provider_events_are_wallet_only)s and l.{ledger_provider_event} is not null)
      )
    group by l.{ledger_player}
)
select m.player_id
from moved m
join {player} p on p.{player_tenant} = %(tenant_id)s and p.{player_key} = m.player_id
join {wallet} w
    on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = m.player_id and w.{wallet_currency} = %(currency)s
where m.net <> 0
  and abs(p.{player_available}) < %(unreadable_from)s and abs(p.{player_held}) < %(unreadable_from)s
  and abs(w.{wallet_available}) < %(unreadable_from)s and abs(w.{wallet_pending}) < %(unreadable_from)s
  and round(p.{player_available}::text::numeric, 2) = round(w.{wallet_available}::text::numeric, 2)
  and round(p.{player_held}::text::numeric, 2) = round(w.{wallet_pending}::text::numeric, 2)
order by m.player_id
