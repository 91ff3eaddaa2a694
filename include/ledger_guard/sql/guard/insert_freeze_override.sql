-- Store an override of freezes for one tenant.
-- Parameters: every column. Rows: none. Index relied on: none.
insert into ledger_guard.freeze_override (override_id, flag, tenant_id, reason, granted_by, granted_at, expires_at, ended_at, ended_by)
values (
    %(override_id)s, %(flag)s, %(tenant_id)s, %(reason)s, %(granted_by)s, %(granted_at)s, %(expires_at)s, %(ended_at)s, %(ended_by)s
)
