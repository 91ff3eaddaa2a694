-- Record the newest order about a plan's backfill.
-- Parameters: every column. Rows: none. Index relied on: primary key of backfill_steering.
insert into ledger_guard.backfill_steering (plan_id, wanted, asked_by, reason, asked_at)
values (%(plan_id)s, %(wanted)s, %(asked_by)s, %(reason)s, %(asked_at)s)
on conflict (plan_id) do update
set wanted = excluded.wanted, asked_by = excluded.asked_by, reason = excluded.reason, asked_at = excluded.asked_at
