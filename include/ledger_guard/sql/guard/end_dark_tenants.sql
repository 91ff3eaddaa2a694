-- Remember that these tenants are not dark any more.
-- Parameters: trigger (text), tenant_ids (text[]), at (timestamptz). Returns no rows. Index: dark_tenant_standing.
update ledger_guard.dark_tenant
set over_at = %(at)s
where signal_trigger = %(trigger)s and over_at is null and tenant_id = any(%(tenant_ids)s)
