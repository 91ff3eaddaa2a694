-- Purpose: how far an operation of a plan has come. Parameters: plan_id (uuid), operation (text). Rows: one or none.
-- Index: backfill_progress's primary key.
select through_player_id, batches, done, left_alone
from ledger_guard.backfill_progress
where plan_id = %(plan_id)s and operation = %(operation)s
