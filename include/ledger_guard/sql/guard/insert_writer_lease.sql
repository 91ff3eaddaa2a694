-- Take the lease of a tenant to whose wallets nobody ever wrote.
-- Parameters: a lease's columns. Rows: one, or none when there is a lease. Index relied on: primary key of writer_lease.
insert into ledger_guard.writer_lease (tenant_id, token, plan_id, operation, run, try_number, taken_at, renewed_at, is_over)
values (
    %(tenant_id)s, %(token)s, %(plan_id)s, %(operation)s, %(run)s, %(try_number)s, %(taken_at)s, %(renewed_at)s, %(is_over)s
)
on conflict (tenant_id) do nothing
returning token
