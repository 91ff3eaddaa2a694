-- The newest change of a flag in a scope.
-- Parameters: flag, tenant_id (or *). Rows: one or none. Index relied on: none, changes are few.
select
    change_id, flag, tenant_id, from_value, to_value, incident_id, approval_id, requested_by, approved_by, reason, changed_at, status,
    confirmed_at, finding
from ledger_guard.flag_change
where flag = %(flag)s and tenant_id = %(tenant_id)s
order by changed_at desc, position desc
limit 1
