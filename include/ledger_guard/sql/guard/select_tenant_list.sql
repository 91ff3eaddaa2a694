-- Purpose: the tenants that the platform last said it has. No parameters. Rows: one, or none before the first time.
select tenant_ids, listed_at
from ledger_guard.tenant_list
