-- What the events of a reading sum up to. All null: not known, as of every reading stored until now. Not known in part:
-- without_amount events have no amount, and at_risk_cents is null where no event has one.
alter table ledger_guard.signal_window
    add column at_risk_cents  bigint,
    add column without_amount bigint,
    add column by_cause       jsonb,
    add column differs_since  timestamptz;
