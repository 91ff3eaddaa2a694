-- Store a lifted freeze in place of whatever row has its id.
-- Parameters: every column. Rows: none. Index relied on: primary key of freeze.
insert into ledger_guard.freeze (
    freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id, lifted_at, lifted_by, root_cause, root_cause_link,
    root_cause_owner, root_cause_by
)
values (
    %(freeze_id)s, %(flag)s, %(tenant_id)s, %(reason)s, %(opened_by)s, %(opened_at)s, %(incident_id)s, %(lifted_at)s, %(lifted_by)s,
    %(root_cause)s, %(root_cause_link)s, %(root_cause_owner)s, %(root_cause_by)s
)
on conflict (freeze_id) do update
set flag = excluded.flag, tenant_id = excluded.tenant_id, reason = excluded.reason, opened_by = excluded.opened_by,
    opened_at = excluded.opened_at, incident_id = excluded.incident_id, lifted_at = excluded.lifted_at,
    lifted_by = excluded.lifted_by, root_cause = excluded.root_cause, root_cause_link = excluded.root_cause_link,
    root_cause_owner = excluded.root_cause_owner, root_cause_by = excluded.root_cause_by
