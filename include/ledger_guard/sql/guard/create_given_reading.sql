-- A place for the readings of one `record` call; a reading given twice is refused by the key.
-- Parameters: none. Rows: none. Index relied on: its own primary key. Gone at the end of the transaction.
create temporary table given_reading (
    trigger        text        not null,
    window_start   timestamptz not null,
    tenant_id      text        not null,
    window_seconds integer     not null,
    events         bigint      not null,
    exposure       bigint      not null,
    subjects       bigint      not null,
    at_risk_cents  bigint,
    without_amount bigint,
    by_cause       jsonb,
    differs_since  timestamptz,
    primary key (trigger, window_start, tenant_id)
) on commit drop
