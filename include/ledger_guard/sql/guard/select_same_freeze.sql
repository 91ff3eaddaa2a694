-- The freeze that stands for a flag, scope and incident.
-- Parameters: flag, tenant_id (or *), incident_id (uuid or null). Rows: one or none. Index relied on: freeze_one_standing.
select freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
from ledger_guard.freeze
where flag = %(flag)s
  and tenant_id = %(tenant_id)s
  and incident_id is not distinct from %(incident_id)s::uuid
  and lifted_at is null
