-- Purpose: the ids of all tenants. No parameters. Rows: one a tenant; a sequential scan of a small table.
select {tenant_key} as tenant_id
from {tenant}
