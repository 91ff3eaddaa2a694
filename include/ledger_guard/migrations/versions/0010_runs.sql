-- Leave for one run, with exactly this conf, to be started by another run. What Airflow hands from run to run and from task to task
-- can be edited by its users; this can't.
create table ledger_guard.run_grant (
    run_id       text        primary key,
    purpose      text        not null unique,
    dag_id       text        not null,
    conf         jsonb       not null,
    requested_by text        not null,
    incident_id  uuid        references ledger_guard.incident (incident_id),
    granted_at   timestamptz not null,
    begun_at     timestamptz,
    told_at      timestamptz
);
create index run_grant_not_begun on ledger_guard.run_grant (granted_at) where begun_at is null and told_at is null;

-- What a task found for the other tasks of its run.
create table ledger_guard.run_note (
    dag_id  text        not null,
    run_id  text        not null,
    name    text        not null,
    content jsonb       not null,
    left_at timestamptz not null,
    primary key (dag_id, run_id, name)
);
