-- Guard state, first version. Times are timestamptz (UTC), money is bigint cents.
-- `position` is the order of arrival: it decides between rows of the same moment.

create table ledger_guard.access_event (
    event_key      text        primary key,          -- request id, or a hash of the line: the same line is stored once
    event_time     timestamptz not null,
    tenant_id      text        not null,
    subject_id     text,                              -- player id, or webhook id
    method         text        not null,
    path           text        not null,              -- without its query string
    provider       text,
    status         smallint    not null,
    error_code     text,
    -- false when the log format has no error code: such failures can't be told from look-alikes
    error_code_is_known boolean not null default true
);
create index access_event_by_time on ledger_guard.access_event (event_time);

create table ledger_guard.source_watermark (
    source           text        primary key,         -- 'access_event'
    complete_through timestamptz not null,            -- every event before this moment has been delivered
    updated_at       timestamptz not null
);

create table ledger_guard.ingest_file (
    ingest_id   uuid        primary key,
    file_name   text        not null,
    sha256      text        not null,
    mapping     text        not null,
    lines       bigint      not null,
    accepted    bigint      not null,
    already_known bigint    not null,
    rejected    bigint      not null,
    ingested_at timestamptz not null
);
create table ledger_guard.ingest_reject (
    ingest_id   uuid   not null references ledger_guard.ingest_file,
    line_number bigint not null,
    reason      text   not null,
    excerpt     text   not null,                      -- at most 200 characters, query strings cut off
    primary key (ingest_id, line_number)
);

create table ledger_guard.sensed_window (
    trigger       text        not null,
    window_start  timestamptz not null,
    window_seconds integer    not null,
    state         text        not null check (state in ('complete', 'no_data')),
    reason        text        not null,
    sensed_at     timestamptz not null,
    revision      integer     not null default 0,
    primary key (trigger, window_start)
);
create table ledger_guard.signal_window (
    trigger        text        not null,
    window_start   timestamptz not null,
    tenant_id      text        not null,
    window_seconds integer     not null,
    events         bigint      not null check (events >= 0),
    exposure       bigint      not null check (exposure >= 0),
    subjects       bigint      not null check (subjects >= 0),
    primary key (trigger, window_start, tenant_id)
);

create table ledger_guard.incident (
    incident_id             uuid        primary key,
    position                bigint      generated always as identity,
    trigger                 text        not null,
    status                  text        not null check (status in ('open', 'mitigating', 'mitigated', 'resolved')),
    severity                text        not null check (severity in ('mild', 'severe')),
    scope                   text        not null check (scope in ('isolated', 'widespread')),
    tenants                 text[]      not null,
    opened_at               timestamptz not null,
    first_window_start      timestamptz not null,
    last_alarm_window_start timestamptz not null,
    healthy_tenants         text[]      not null default '{}',
    quiet_windows           integer     not null default 0,
    mitigated_at            timestamptz,
    resolved_at             timestamptz,
    summary                 text        not null,
    thread_channel          text,
    thread_ts               text,
    version                 integer     not null default 0
);
create unique index incident_one_unresolved on ledger_guard.incident (trigger) where status <> 'resolved';

create table ledger_guard.verdict (
    trigger        text        not null,
    window_start   timestamptz not null,
    tenant_id      text        not null,
    window_seconds integer     not null,
    severity       text        not null check (severity in ('none', 'mild', 'severe', 'insufficient', 'no_data')),
    scope          text        not null check (scope in ('isolated', 'widespread')),
    sentence       text        not null,
    reasons        jsonb       not null,
    incident_id    uuid        references ledger_guard.incident,
    primary key (trigger, window_start, tenant_id)
);
create table ledger_guard.engine_state (
    trigger        text        primary key,
    judged_through timestamptz not null,
    judged_at      timestamptz not null,
    state          bytea       not null
);

create table ledger_guard.action (
    action_id   uuid        primary key,
    position    bigint      generated always as identity,
    incident_id uuid        not null references ledger_guard.incident,
    kind        text        not null,
    target      text        not null,
    status      text        not null check (status in ('started', 'done', 'refused', 'failed')),
    started_at  timestamptz not null,
    finished_at timestamptz,
    run_id      text,
    outcome     text        not null default '',
    detail      jsonb       not null default '{}'
);
create unique index action_one_unfinished on ledger_guard.action (incident_id, kind, target) where status = 'started';

create table ledger_guard.plan (
    plan_id             uuid        primary key,
    position            bigint      generated always as identity,
    plan_hash           text        not null,
    tenant_id           text        not null check (tenant_id <> ''),
    mode                text        not null check (mode in ('create-missing', 'force')),
    currency            text        not null,
    counts              jsonb       not null,
    cents               jsonb       not null,
    players             bigint      not null,
    guardrails_exceeded text[]      not null,
    flag_state          jsonb       not null,
    policy_hash         text        not null,
    created_at          timestamptz not null,
    expires_at          timestamptz not null,
    requested_by        text        not null,
    incident_id         uuid        references ledger_guard.incident,
    status              text        not null check (status in ('planned', 'forcing', 'forced', 'undoing', 'undone'))
);
create index plan_by_tenant on ledger_guard.plan (tenant_id, created_at desc);

-- What the dry-run saw, and what became of it.
create table ledger_guard.plan_row (
    plan_id          uuid   not null references ledger_guard.plan,
    player_id        text   not null,
    currency         text   not null,
    cause            text   not null check (cause in ('missing', 'stale_wallet', 'protected', 'unexplained')),
    player_available bigint not null,
    player_held      bigint not null,
    wallet_available bigint,
    wallet_pending   bigint,
    ledger_explained bigint not null default 0,
    state            text   not null check (state in ('planned', 'set_aside', 'intended', 'applied', 'drifted', 'restored', 'kept')),
    primary key (plan_id, player_id, currency)
);
create index plan_row_by_state on ledger_guard.plan_row (plan_id, state, player_id);

-- Before-images: exactly what stood in the wallet row (doubles, as stored) when force or undo wrote over it.
create table ledger_guard.before_image (
    image_id         bigint      generated always as identity primary key,
    plan_id          uuid        not null,
    operation        text        not null check (operation in ('force', 'undo')),
    tenant_id        text        not null,
    player_id        text        not null,
    currency         text        not null,
    -- null when there was no wallet row
    before_available double precision,
    before_pending   double precision,
    -- null when the write removed the row again
    after_available  double precision,
    after_pending    double precision,
    actor            text        not null,
    written_at       timestamptz not null,
    unique (plan_id, operation, player_id, currency)
);

create table ledger_guard.approval (
    approval_id               uuid        primary key,
    position                  bigint      generated always as identity,
    kind                      text        not null check (kind in ('backfill_force', 'backfill_undo', 'flag_rollback', 'flag_restore')),
    subject_id                text        not null,
    subject_hash              text        not null,
    incident_id               uuid        references ledger_guard.incident,
    requested_by              text        not null,
    approvers                 text[]      not null,
    minimum_reason_characters integer     not null,
    requested_at              timestamptz not null,
    expires_at                timestamptz not null,
    dag_id                    text        not null,
    run_id                    text        not null,
    task_id                   text        not null,
    link                      text        not null,
    proposal                  text        not null,
    -- set when the gate asked again: the older question counts no more
    voided                    boolean     not null default false
);
create index approval_by_subject on ledger_guard.approval (kind, subject_id, requested_at desc);
create unique index approval_by_gate on ledger_guard.approval (dag_id, run_id, task_id) where not voided;
create table ledger_guard.approval_answer (
    approval_id uuid        primary key references ledger_guard.approval,
    answer      text        not null check (answer in ('approved', 'rejected', 'timed_out')),
    answered_by text,
    answered_at timestamptz not null,
    reason      text        not null
);

create table ledger_guard.flag_change (
    change_id    uuid        primary key,
    position     bigint      generated always as identity,
    flag         text        not null,
    tenant_id    text        not null,
    from_value   boolean,
    to_value     boolean     not null,
    incident_id  uuid        references ledger_guard.incident,
    approval_id  uuid        not null unique references ledger_guard.approval,
    requested_by text        not null,
    approved_by  text        not null,
    reason       text        not null,
    changed_at   timestamptz not null,
    status       text        not null check (status in ('applied', 'confirmed', 'unconfirmed')),
    confirmed_at timestamptz
);

create table ledger_guard.freeze (
    freeze_id       uuid        primary key,
    position        bigint      generated always as identity,
    flag            text        not null,
    tenant_id       text        not null,
    reason          text        not null,
    opened_by       text        not null,
    opened_at       timestamptz not null,
    incident_id     uuid        references ledger_guard.incident,
    lifted_at       timestamptz,
    lifted_by       text,
    root_cause      text,
    root_cause_link text,
    check (lifted_at is null or (lifted_by is not null and length(trim(root_cause)) > 0))
);
create unique index freeze_one_standing on ledger_guard.freeze (flag, tenant_id, coalesce(incident_id, '00000000-0000-0000-0000-000000000000'))
    where lifted_at is null;

create table ledger_guard.rotation_plan (
    rotation_id uuid        primary key,
    position    bigint      generated always as identity,
    provider    text        not null,
    secret_name text        not null,
    incident_id uuid        references ledger_guard.incident,
    owner       text        not null,
    steps       text[]      not null,
    planned_at  timestamptz not null,
    due_at      timestamptz not null,
    done_at     timestamptz,
    done_by     text
);
create unique index rotation_one_pending on ledger_guard.rotation_plan (secret_name) where done_at is null;

create table ledger_guard.audit_entry (
    sequence      bigint      primary key,
    verb          text        not null,
    actor         text        not null,
    subject       text        not null,
    detail        jsonb       not null,
    detail_text   text        not null,               -- the very text that was hashed: jsonb does not keep numbers' spelling
    at            timestamptz not null,
    incident_id   uuid,
    tenant_id     text,
    previous_hash text        not null,
    entry_hash    text        not null
);
create index audit_entry_by_incident on ledger_guard.audit_entry (incident_id, sequence);
create index audit_entry_by_tenant on ledger_guard.audit_entry (tenant_id, sequence);
-- The end of the chain, kept apart; locking its one row puts writers in line.
create table ledger_guard.audit_head (
    only_row   boolean primary key default true check (only_row),
    sequence   bigint  not null,
    entry_hash text    not null
);
insert into ledger_guard.audit_head (sequence, entry_hash) values (0, repeat('0', 64));

create function ledger_guard.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger_guard.% is append-only: % refused', tg_table_name, tg_op;
end $$;
create trigger audit_entry_is_append_only before update or delete or truncate on ledger_guard.audit_entry
    for each statement execute function ledger_guard.refuse_change();
create trigger before_image_is_append_only before update or delete or truncate on ledger_guard.before_image
    for each statement execute function ledger_guard.refuse_change();
create trigger approval_answer_is_append_only before update or delete or truncate on ledger_guard.approval_answer
    for each statement execute function ledger_guard.refuse_change();
