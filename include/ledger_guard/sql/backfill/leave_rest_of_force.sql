-- Purpose: record the rows of a force batch that were not written as left alone. Parameters: plan_id (uuid), after, through
-- (text, the batch's range), at (timestamptz). Rows: none. Index: the primary keys of plan_row and before_image's unique key.
insert into ledger_guard.row_left_alone (plan_id, operation, player_id, currency, left_at)
select r.plan_id, 'force', r.player_id, r.currency, %(at)s
from ledger_guard.plan_row r
where r.plan_id = %(plan_id)s and r.player_id > %(after)s and r.player_id <= %(through)s and ledger_guard.is_writable(r.cause)
  and not exists (
      select from ledger_guard.before_image i
      where i.plan_id = r.plan_id and i.operation = 'force' and i.player_id = r.player_id and i.currency = r.currency
  )
