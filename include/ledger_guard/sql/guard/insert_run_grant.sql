-- Purpose: give leave for a run, unless leave was given for the same purpose. Parameters: the columns of run_grant.
-- Rows: the new one; none when there was one. Index: run_grant's unique purpose.
insert into ledger_guard.run_grant (run_id, purpose, dag_id, conf, requested_by, incident_id, granted_at, begun_at, told_at)
values (
    %(run_id)s, %(purpose)s, %(dag_id)s, %(conf)s, %(requested_by)s, %(incident_id)s, %(granted_at)s, %(begun_at)s, %(told_at)s
)
on conflict (purpose) do nothing
returning run_id
