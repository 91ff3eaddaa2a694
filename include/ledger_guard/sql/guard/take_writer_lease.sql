-- Take a tenant's lease in the place of the one that was seen; another writer's batch that keeps it is waited for.
-- Parameters: a lease's columns, seen_token (uuid; null: there was none). Rows: one, or none when another stands there now.
-- Index relied on: primary key of writer_lease.
insert into ledger_guard.writer_lease as l (
    tenant_id, token, plan_id, operation, run, try_number, taken_at, renewed_at, is_over
)
values (
    %(tenant_id)s, %(token)s, %(plan_id)s, %(operation)s, %(run)s, %(try_number)s, %(taken_at)s, %(renewed_at)s, %(is_over)s
)
on conflict (tenant_id) do update
set token = excluded.token,
    plan_id = excluded.plan_id,
    operation = excluded.operation,
    run = excluded.run,
    try_number = excluded.try_number,
    taken_at = excluded.taken_at,
    renewed_at = excluded.renewed_at,
    is_over = excluded.is_over
where l.token = %(seen_token)s::uuid
returning token
