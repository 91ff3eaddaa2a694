-- Purpose: remember players who differ; those that are remembered stay as they are. Parameters: trigger; tenants, players (text[] of
-- one length).
insert into ledger_guard.standing_mismatch (trigger, tenant_id, player_id)
select %(trigger)s, n.tenant_id, n.player_id
from unnest(%(tenants)s::text[], %(players)s::text[]) as n (tenant_id, player_id)
on conflict (trigger, tenant_id, player_id) do nothing
