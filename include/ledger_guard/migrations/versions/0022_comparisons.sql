-- What a comparison of balances leaves for the next one, which compares only what moved since.
set local lock_timeout = '10s';
create table ledger_guard.comparison (
    trigger      text        primary key,
    window_end   timestamptz not null,
    -- end of the window in which all players were compared last
    whole_end    timestamptz not null,
    -- hash of the settings that decide what is found
    settings     text        not null,
    -- which database, timeline and tables were read
    place        text        not null,
    -- the platform's transactions before this number were seen whole
    oldest_open  bigint      not null,
    -- rows deleted from the platform's tables by then; null: its database does not tell
    deleted_rows bigint,
    -- more players differed than are kept
    too_many     boolean     not null
);
-- The players who differed then: each is compared again in the next window, and only that takes one away.
create table ledger_guard.standing_mismatch (
    trigger   text not null references ledger_guard.comparison (trigger),
    tenant_id text not null,
    player_id text not null,
    primary key (trigger, tenant_id, player_id)
);
