-- Freezes of an incident, lifted ones included, oldest first.
-- Parameters: incident_id (uuid). Rows: one a freeze. Index relied on: none, they are few.
select freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
from ledger_guard.freeze
where incident_id = %(incident_id)s
order by opened_at, position
