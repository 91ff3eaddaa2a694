-- Renew a writer's own lease; nobody takes it before this transaction ends.
-- Parameters: tenant_id, token (uuid), at. Rows: one, or none when it is over or another's. Index relied on: primary key of
-- writer_lease.
update ledger_guard.writer_lease
set renewed_at = %(at)s
where tenant_id = %(tenant_id)s and token = %(token)s and not is_over
returning token
