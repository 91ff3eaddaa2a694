-- One freeze.
-- Parameters: freeze_id (uuid). Rows: one or none. Index relied on: primary key of freeze.
select freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
from ledger_guard.freeze
where freeze_id = %(freeze_id)s
