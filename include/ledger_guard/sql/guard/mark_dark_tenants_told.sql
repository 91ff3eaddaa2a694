-- Remember that people were told of dark tenants; the first time stays.
-- Parameters: trigger (text), tenant_ids (text[]), at (timestamptz). Returns no rows. Relies on dark_tenant's primary key.
update ledger_guard.dark_tenant
set told_at = coalesce(told_at, %(at)s)
where signal_trigger = %(trigger)s and tenant_id = any(%(tenant_ids)s)
