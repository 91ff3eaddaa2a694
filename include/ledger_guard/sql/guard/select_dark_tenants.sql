-- Purpose: the tenants of a trigger that are dark now. Parameters: trigger (text), untold_only (boolean).
-- Rows: one a tenant. Index: dark_tenant_standing.
select tenant_id, since, usual
from ledger_guard.dark_tenant
where signal_trigger = %(trigger)s and over_at is null and (told_at is null or not %(untold_only)s)
order by tenant_id
