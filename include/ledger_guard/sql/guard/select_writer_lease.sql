-- Who writes to a tenant's wallets, or did last.
-- Parameters: tenant_id. Rows: one or none. Index relied on: primary key of writer_lease.
select tenant_id, token, plan_id, operation, run, try_number, taken_at, renewed_at, is_over
from ledger_guard.writer_lease
where tenant_id = %(tenant_id)s
