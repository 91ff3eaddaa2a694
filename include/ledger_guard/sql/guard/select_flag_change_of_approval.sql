-- The change that an approval led to.
-- Parameters: approval_id (uuid). Rows: one or none. Index relied on: unique approval_id of flag_change.
select
    change_id, flag, tenant_id, from_value, to_value, incident_id, approval_id, requested_by, approved_by, reason, changed_at, status,
    confirmed_at, finding
from ledger_guard.flag_change
where approval_id = %(approval_id)s
