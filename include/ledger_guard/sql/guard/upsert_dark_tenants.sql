-- Remember tenants that are dark; one that was over begins anew, told to nobody.
-- Parameters: trigger (text), tenant_ids (text[]), since (timestamptz[]), usual (bigint[]), the same number of each.
-- Returns no rows. Relies on dark_tenant's primary key.
insert into ledger_guard.dark_tenant as known (signal_trigger, tenant_id, since, usual)
select %(trigger)s, given.*
from unnest(%(tenant_ids)s::text[], %(since)s::timestamptz[], %(usual)s::bigint[]) as given
on conflict (signal_trigger, tenant_id) do update
set since = excluded.since, usual = excluded.usual, told_at = null, over_at = null
where known.over_at is not null
