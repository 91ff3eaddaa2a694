-- Purpose: record the rows of an undo batch that were not given back as left alone. Parameters: plan_id (uuid), after, through
-- (text, the batch's range), at (timestamptz). Rows: none. Index: before_image's unique (plan, operation, player, currency).
insert into ledger_guard.row_left_alone (plan_id, operation, player_id, currency, left_at)
select i.plan_id, 'undo', i.player_id, i.currency, %(at)s
from ledger_guard.before_image i
where i.plan_id = %(plan_id)s and i.operation = 'force' and i.player_id > %(after)s and i.player_id <= %(through)s
  and not exists (
      select from ledger_guard.before_image u
      where u.plan_id = i.plan_id and u.operation = 'undo' and u.player_id = i.player_id and u.currency = i.currency
  )
  and not exists (
      select from ledger_guard.row_left_alone l
      where l.plan_id = i.plan_id and l.operation = 'force' and l.player_id = i.player_id and l.currency = i.currency
  )
