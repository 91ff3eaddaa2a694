-- Record a write to a flag store; an approval leads to one change only.
-- Parameters: every column. Rows: one when stored, else none. Index relied on: primary key and unique approval_id of flag_change.
insert into ledger_guard.flag_change (
    change_id, flag, tenant_id, from_value, to_value, incident_id, approval_id, requested_by, approved_by, reason, changed_at, status,
    confirmed_at, finding
)
values (
    %(change_id)s, %(flag)s, %(tenant_id)s, %(from_value)s, %(to_value)s, %(incident_id)s, %(approval_id)s, %(requested_by)s,
    %(approved_by)s, %(reason)s, %(changed_at)s, %(status)s, %(confirmed_at)s, %(finding)s
)
on conflict do nothing
returning change_id
