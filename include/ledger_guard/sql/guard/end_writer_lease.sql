-- Record that a writer has ended, unless another took its lease.
-- Parameters: tenant_id, token (uuid), at. Rows: none. Index relied on: primary key of writer_lease.
update ledger_guard.writer_lease
set is_over = true, renewed_at = %(at)s
where tenant_id = %(tenant_id)s and token = %(token)s
