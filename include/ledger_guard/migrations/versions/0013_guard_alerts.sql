-- A question whose run has ended, or is gone: nobody can answer it any more. When that was found, and when people were told.
set local lock_timeout = '10s';
alter table ledger_guard.approval add column orphaned_at timestamptz;
alter table ledger_guard.approval add column orphan_told_at timestamptz;
create index approval_orphan_not_told on ledger_guard.approval (orphaned_at)
    where orphaned_at is not null and orphan_told_at is null;

-- Alerts about the guard itself, until they are over: a paused DAG, runs that stay queued, answers that are overdue.
create table ledger_guard.guard_alert (
    kind     text        not null check (kind in ('paused', 'queued', 'overdue')),
    -- the DAG; empty where it is of none
    about    text        not null,
    -- the first look that saw it, without one since that did not
    since    timestamptz not null,
    seen_at  timestamptz not null,
    told_at  timestamptz,
    over_at  timestamptz,
    primary key (kind, about)
);

-- When the first task of any DAG looked last, so that they don't all look at once.
create table ledger_guard.last_look (
    is_the_only_row boolean     primary key default true check (is_the_only_row),
    looked_at       timestamptz not null
);

create index run_grant_never_begun on ledger_guard.run_grant (granted_at) where begun_at is null;
