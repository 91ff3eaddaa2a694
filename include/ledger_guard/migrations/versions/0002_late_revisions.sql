-- What it takes to judge windows again whose readings late data changed.

-- States of the severity engine from before windows that may still change; two or three a trigger.
create table ledger_guard.engine_checkpoint (
    trigger        text        not null,
    judged_through timestamptz not null,              -- the state has seen every window up to this moment, and none after it
    state          bytea       not null,
    primary key (trigger, judged_through)
);

-- What was judged of a window: a higher revision in sensed_window means that late data came since.
create table ledger_guard.judged_window (
    trigger      text        not null,
    window_start timestamptz not null,
    revision     integer     not null,
    quarantined  text[]      not null,                -- tenants kept out of their baselines then, and again in a replay
    primary key (trigger, window_start)
);
