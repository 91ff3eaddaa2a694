-- One override, kept from being ended by anybody else until the transaction ends.
-- Parameters: override_id (uuid). Rows: one or none. Index relied on: primary key of freeze_override.
select override_id, flag, tenant_id, reason, granted_by, granted_at, expires_at, ended_at, ended_by
from ledger_guard.freeze_override
where override_id = %(override_id)s
for update
