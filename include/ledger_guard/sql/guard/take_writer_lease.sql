-- Take a tenant's lease in the place of the one that was seen.
-- Parameters: a lease's columns, seen_token (uuid). Rows: one, or none when another stands there now or the transaction of a batch
-- keeps it. Index relied on: primary key of writer_lease.
update ledger_guard.writer_lease l
set token = %(token)s,
    plan_id = %(plan_id)s,
    operation = %(operation)s,
    run = %(run)s,
    try_number = %(try_number)s,
    taken_at = %(taken_at)s,
    renewed_at = %(renewed_at)s,
    is_over = %(is_over)s
from (
    select tenant_id
    from ledger_guard.writer_lease
    where tenant_id = %(tenant_id)s and token = %(seen_token)s
    for update skip locked
) seen
where l.tenant_id = seen.tenant_id
returning l.token
