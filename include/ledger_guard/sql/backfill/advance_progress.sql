-- Purpose: record that an operation of a plan has settled every row up to a player. Parameters: plan_id (uuid), operation,
-- through_player_id (text), done, left_alone (rows of this batch), at (timestamptz). Rows: none.
-- Index: backfill_progress's primary key.
insert into ledger_guard.backfill_progress as p (
    plan_id, operation, through_player_id, batches, done, left_alone, started_at, updated_at
)
values (%(plan_id)s, %(operation)s, %(through_player_id)s, 1, %(done)s, %(left_alone)s, %(at)s, %(at)s)
on conflict (plan_id, operation) do update
set through_player_id = excluded.through_player_id,
    batches = p.batches + 1,
    done = p.done + excluded.done,
    left_alone = p.left_alone + excluded.left_alone,
    updated_at = excluded.updated_at
