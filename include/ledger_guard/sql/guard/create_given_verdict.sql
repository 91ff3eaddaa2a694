-- A place for the verdicts of one `record` call, in the order they were given.
-- Parameters: none. Rows: none. Index relied on: none. Gone at the end of the transaction.
create temporary table given_verdict (
    position       bigint      generated always as identity,
    trigger        text        not null,
    window_start   timestamptz not null,
    tenant_id      text        not null,
    window_seconds integer     not null,
    severity       text        not null,
    scope          text        not null,
    sentence       text        not null,
    reasons        jsonb       not null
) on commit drop
