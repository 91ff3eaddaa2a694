-- Purpose: whether the platform knows a tenant. Parameters: tenant_id (text, exact).
-- Rows: one or none. Index: the tenant table's primary key.
select {tenant_key} as tenant_id
from {tenant}
where {tenant_key} = %(tenant_id)s
