-- The newest order about a plan's backfill.
-- Parameters: plan_id (uuid). Rows: one or none. Index relied on: primary key of backfill_steering.
select plan_id, wanted, asked_by, reason, asked_at
from ledger_guard.backfill_steering
where plan_id = %(plan_id)s
