-- A place for the windows of one `record` call; `is_new` and `is_revised` say what became of each.
-- Parameters: none. Rows: none. Index relied on: its own primary key. Gone at the end of the transaction.
create temporary table given_window (
    trigger        text        not null,
    window_start   timestamptz not null,
    window_seconds integer     not null,
    state          text        not null,
    reason         text        not null,
    sensed_at      timestamptz not null,
    is_new         boolean     not null default false,
    is_revised     boolean     not null default false,
    primary key (trigger, window_start)
) on commit drop
