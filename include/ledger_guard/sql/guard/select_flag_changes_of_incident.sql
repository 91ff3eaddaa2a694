-- Changes made for an incident, oldest first.
-- Parameters: incident_id (uuid). Rows: one a change. Index relied on: none, they are few.
select
    change_id, flag, tenant_id, from_value, to_value, incident_id, approval_id, requested_by, approved_by, reason, changed_at, status,
    confirmed_at, finding
from ledger_guard.flag_change
where incident_id = %(incident_id)s
order by changed_at, position
