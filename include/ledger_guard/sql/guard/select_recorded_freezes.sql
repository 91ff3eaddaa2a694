-- Every freeze, lifted ones included, oldest first.
-- Parameters: flag (null: of any flag). Rows: one a freeze. Index relied on: none, freezes are few.
select freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
from ledger_guard.freeze
where %(flag)s::text is null or flag = %(flag)s
order by opened_at, position
