-- Purpose: how far a tenant's ledger goes before the platform's script runs. Parameters: tenant_id (text, exact).
-- Rows: exactly one; booked_at as text in the session's zone, -infinity when there is no movement.
-- Index: the ledger's unique (tenant, player, type, idempotency key), by its first column.
select coalesce(max(l.{ledger_created_at})::text, '-infinity') as booked_at
from {ledger} l
where l.{ledger_tenant} = %(tenant_id)s
