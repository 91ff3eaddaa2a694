-- A freeze is lifted with its root cause, who owns it, where it can be read, and by somebody else than who wrote it down.
alter table ledger_guard.freeze add column root_cause_owner text;
alter table ledger_guard.freeze add column root_cause_by text;
-- Not valid: freezes that were lifted before this revision name neither, and stay as they are.
alter table ledger_guard.freeze add constraint freeze_lifted_by_two_people check (
    lifted_at is null or (
        length(trim(coalesce(root_cause_link, ''))) > 0
        and length(trim(coalesce(root_cause_owner, ''))) > 0
        and length(trim(coalesce(root_cause_by, ''))) > 0
        and root_cause_by <> lifted_by
    )
) not valid;

-- A person's word that one tenant may be enabled although a freeze stands. It ends by itself and lifts nothing.
create table ledger_guard.freeze_override (
    override_id uuid        primary key,
    position    bigint      generated always as identity,
    flag        text        not null,
    tenant_id   text        not null check (tenant_id not in ('', '*')),
    reason      text        not null check (length(trim(reason)) > 0),
    granted_by  text        not null check (length(trim(granted_by)) > 0),
    granted_at  timestamptz not null,
    expires_at  timestamptz not null check (expires_at > granted_at),
    ended_at    timestamptz,
    ended_by    text,
    check ((ended_at is null) = (ended_by is null))
);
create index freeze_override_by_scope on ledger_guard.freeze_override (flag, tenant_id, expires_at);

-- How long old and new secret are both good once a rotation is done. Plans made before this revision were told 24 hours.
alter table ledger_guard.rotation_plan add column overlap_hours integer not null default 24 check (overlap_hours >= 0);
alter table ledger_guard.rotation_plan alter column overlap_hours drop default;
create index rotation_by_secret on ledger_guard.rotation_plan (secret_name, done_at);

-- Since when the guard has seen a secret, by its fingerprint: the one thing it can say honestly about its age.
create table ledger_guard.secret_sighting (
    secret_name   text        not null,
    fingerprint   text        not null,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    primary key (secret_name, fingerprint)
);

-- Deploys of the platform that somebody told the guard of.
create table ledger_guard.deploy (
    deploy_id   uuid        primary key,
    position    bigint      generated always as identity,
    version     text        not null check (length(trim(version)) > 0),
    deployed_at timestamptz not null,
    recorded_by text        not null check (length(trim(recorded_by)) > 0),
    recorded_at timestamptz not null
);
create index deploy_by_time on ledger_guard.deploy (deployed_at desc, position desc);
