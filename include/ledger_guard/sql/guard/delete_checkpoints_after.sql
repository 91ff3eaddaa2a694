-- Remove checkpoints of a trigger's engine that have seen more than a moment allows.
-- Parameters: trigger, moment (timestamptz). Rows: none. Index relied on: primary key of engine_checkpoint.
delete from ledger_guard.engine_checkpoint
where trigger = %(trigger)s and judged_through > %(moment)s
