-- Purpose: forget players who do not differ any more. Parameters: trigger; tenants, players (text[] of one length): who differs now.
delete from ledger_guard.standing_mismatch s
where s.trigger = %(trigger)s
  and not exists (
      select
      from unnest(%(tenants)s::text[], %(players)s::text[]) as n (tenant_id, player_id)
      where n.tenant_id = s.tenant_id and n.player_id = s.player_id
  )
