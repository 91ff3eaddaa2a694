-- Tenants that the platform has, as it said last: whatever else a source names is counted apart, under no name.
set local lock_timeout = '10s';
create table ledger_guard.tenant_list (
    is_the_only_row boolean     primary key default true check (is_the_only_row),
    tenant_ids      text[]      not null,
    listed_at       timestamptz not null
);
create table ledger_guard.set_apart (
    signal_trigger text        not null,
    window_start   timestamptz not null,
    tenants        bigint      not null check (tenants >= 0),
    events         bigint      not null check (events >= 0),
    exposure       bigint      not null check (exposure >= 0),
    primary key (signal_trigger, window_start)
);

-- Tenants whose requests have stopped though they usually have many, until one comes again.
create table ledger_guard.dark_tenant (
    signal_trigger text        not null,
    tenant_id      text        not null,
    since          timestamptz not null,
    usual          bigint      not null,
    told_at        timestamptz,
    over_at        timestamptz,
    primary key (signal_trigger, tenant_id)
);
create index dark_tenant_standing on ledger_guard.dark_tenant (signal_trigger) where over_at is null;

-- Rows from the future, rows that come too late, unknown tenants: how many, in words.
alter table ledger_guard.guard_alert add column detail text not null default '';
alter table ledger_guard.guard_alert drop constraint guard_alert_kind_check;
alter table ledger_guard.guard_alert add constraint guard_alert_kind_check
    check (kind in ('paused', 'queued', 'overdue', 'unknown_tenants', 'too_late', 'future'));
