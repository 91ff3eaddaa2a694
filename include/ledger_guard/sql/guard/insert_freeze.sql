-- Open a freeze unless one stands for the same flag, scope and incident.
-- Parameters: every column. Rows: one when stored, else none. Index relied on: freeze_one_standing.
insert into ledger_guard.freeze (
    freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
)
values (
    %(freeze_id)s, %(flag)s, %(tenant_id)s, %(reason)s, %(opened_by)s, %(opened_at)s, %(incident_id)s, %(lifted_at)s, %(lifted_by)s,
    %(root_cause)s, %(root_cause_link)s, %(root_cause_owner)s, %(root_cause_by)s
)
on conflict do nothing
returning freeze_id
