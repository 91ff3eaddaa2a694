-- Who writes to a tenant's wallets: a writer that lives on after its task was given to another finds the other's token here, and ends.
set local lock_timeout = '10s';
set local statement_timeout = '60s';

create table ledger_guard.writer_lease (
    tenant_id  text        primary key check (tenant_id <> ''),
    token      uuid        not null,
    plan_id    uuid        not null references ledger_guard.plan,
    operation  text        not null check (operation in ('force', 'undo', 'run_script')),
    -- DAG and run; empty on the command line
    run        text        not null,
    try_number integer     not null check (try_number >= 0),
    taken_at   timestamptz not null,
    renewed_at timestamptz not null,
    is_over    boolean     not null
);
