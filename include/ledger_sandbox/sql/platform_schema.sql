-- The stand-in platform's tables, as its own migrations leave them: ORM names without underscores, doubles for money,
-- timestamps without zone, uniques declared twice, and no index on player.tenant_id. None of this is to be mended here:
-- the guard must cope with it. Run once on an empty database; nothing is returned.

create table tenant (
    id                   varchar primary key,           -- UUID text, or a slug
    name                 varchar not null,
    type                 varchar not null default 'renter',
    features             json    not null default '{}',
    daily_deposit_limit  numeric(18, 2),
    daily_withdraw_limit numeric(18, 2),
    created_at           timestamp without time zone not null default now(),
    updated_at           timestamp without time zone not null default now()
);

create table player (
    id                     varchar primary key,
    tenant_id              varchar not null references tenant (id),
    username               varchar not null,
    email                  varchar not null,
    balance_real           double precision not null,
    balance_bonus          double precision not null,
    balance_real_available double precision not null,
    balance_real_held      double precision not null,
    status                 varchar not null default 'active',
    kyc_status             varchar not null default 'pending',
    last_login             timestamp without time zone,
    registered_at          timestamp without time zone not null default now()
);

create table walletbalance (
    tenant_id               varchar    not null,         -- no foreign keys: orphans can exist
    player_id               varchar    not null,
    currency                varchar(3) not null default 'USD',
    balance_real_available  double precision not null,
    balance_real_pending    double precision not null,
    balance_bonus_available double precision not null,
    balance_bonus_pending   double precision not null,
    updated_at              timestamp without time zone not null default now(),
    primary key (tenant_id, player_id, currency)
);

create table ledgertransaction (
    id                varchar primary key,
    tx_id             varchar,                           -- null on poker and tournament rows
    tenant_id         varchar          not null,
    player_id         varchar          not null,
    type              varchar          not null,
    direction         varchar          not null,
    amount            double precision not null,
    currency          varchar(3)       not null default 'USD',
    status            varchar          not null,
    idempotency_key   varchar,
    provider          varchar,
    provider_ref      varchar,
    provider_event_id varchar,
    gross_amount      numeric(10, 2),
    discount_amount   numeric(10, 2),
    net_amount        numeric(10, 2),
    created_at        timestamp without time zone not null default now(),
    constraint uq_ledger_idempotency unique (tenant_id, player_id, type, idempotency_key),
    constraint uq_ledger_provider_event unique (provider, provider_event_id)
);
create unique index ux_ledger_idempotency on ledgertransaction (tenant_id, player_id, type, idempotency_key);
create unique index ux_ledger_provider_event on ledgertransaction (provider, provider_event_id);

create table "transaction" (
    id                varchar primary key,
    tenant_id         varchar          not null,
    player_id         varchar          not null references player (id),
    type              varchar          not null,
    amount            double precision not null,
    currency          varchar(3)       not null default 'USD',
    status            varchar          not null,
    state             varchar          not null,
    idempotency_key   varchar,
    provider          varchar,
    provider_event_id varchar,
    balance_after     double precision not null default 0,   -- what the player had then; 0 on webhooks' rows
    metadata          json             not null default '{}',
    created_at        timestamp without time zone not null default now(),
    updated_at        timestamp without time zone not null default now(),
    constraint uq_transaction_idempotency unique (tenant_id, idempotency_key, type)
);
create unique index ux_transaction_provider_event on "transaction" (provider, provider_event_id)
    where provider_event_id is not null;

create table auditevent (
    id            varchar primary key,
    request_id    varchar,
    actor_user_id varchar,
    actor_role    varchar,
    tenant_id     varchar not null,
    action        varchar not null,
    resource_type varchar not null,
    resource_id   varchar,
    result        varchar not null,
    status        varchar,
    reason        varchar,
    details       json    not null default '{}',
    before_json   jsonb,
    after_json    jsonb,
    diff_json     jsonb,
    metadata_json jsonb,
    error_code    varchar,
    row_hash      varchar,
    prev_row_hash varchar,
    chain_id      varchar,
    sequence      bigint,
    timestamp     timestamp without time zone not null default now()
);

create table featureflag (
    id          varchar primary key,
    key         varchar not null,                        -- not unique
    description varchar not null,
    is_enabled  boolean not null,
    created_at  varchar not null                         -- a text, not a timestamp
);

create table reconciliation_findings (
    id                varchar primary key,
    provider          varchar not null,
    tenant_id         varchar,
    player_id         varchar,
    tx_id             varchar,
    provider_event_id varchar,
    finding_type      varchar not null,                  -- missing_in_ledger, missing_in_psp
    severity          varchar not null,
    status            varchar not null,                  -- OPEN, RESOLVED
    message           varchar,
    raw               json,
    created_at        timestamp without time zone not null default now(),
    updated_at        timestamp without time zone not null default now(),
    constraint uq_recon_provider_event_type unique (provider, provider_event_id, finding_type)
);

create table reconciliation_runs (
    id              varchar     primary key,
    provider        varchar     not null,
    status          varchar     not null,
    dry_run         boolean     not null default false,
    idempotency_key varchar,
    created_at      timestamptz not null default now(),  -- with zone, unlike all other tables
    updated_at      timestamptz not null default now()
);

-- The reference platform keeps its two rollout flags in process environments; the sandbox keeps them in a table so that
-- a flag can be read back and changed without restarting anything.
create table rollout_flag (
    key           text        not null,
    tenant_id     text        not null,                  -- '*' is the global value
    is_enabled    boolean     not null,
    version       integer     not null default 1,
    changed_by    text        not null,
    change_reason text        not null,
    changed_at    timestamptz not null default now(),
    primary key (key, tenant_id)
);

-- What only the sandbox knows: nothing of the guard's product code reads it, save the rehearsal clock.
create schema ledger_sandbox;

create table ledger_sandbox.clock (
    only_row boolean  primary key default true check (only_row),
    ahead    interval not null default interval '0'      -- how far event time runs ahead of real time
);
insert into ledger_sandbox.clock default values;

create table ledger_sandbox.provider_secret (
    provider       text primary key,
    env_name       text not null,
    platform_value text not null,                        -- what the platform verifies with
    psp_value      text not null,                        -- what the provider signs with
    -- true: the platform's check itself is broken and refuses rightly signed calls too
    check_is_broken boolean not null default false
);

create table ledger_sandbox.tenant_profile (
    tenant_id            text primary key,
    provider             text             not null,      -- the provider that calls this tenant's webhooks
    withdraws_per_window double precision not null,      -- mean per five minutes, over a day
    webhooks_per_window  double precision not null,
    peak_hour            double precision not null,      -- UTC hour of the day's busiest moment
    overdraw_share       double precision not null       -- share of withdraws that ask for more than the player has
);

-- The truth: what a player's USD wallet should hold, kept beside every step of seed, live traffic and scenarios.
create table ledger_sandbox.right_wallet (
    tenant_id         text   not null,
    player_id         text   primary key,
    available         bigint not null,                   -- cents
    held              bigint not null,
    opening_available bigint not null,                   -- what the player had before the ledger began
    opening_held      bigint not null
);
