-- Purpose: what one operation of a plan wrote (or announced) in a range of player ids, without what was left alone after all.
-- Parameters: plan_id (uuid), operation, after, through (text). Rows: one a wallet row, by player id.
-- Index: before_image's unique (plan, operation, player, currency).
select i.player_id, i.before_available, i.before_pending, i.after_available, i.after_pending
from ledger_guard.before_image i
where i.plan_id = %(plan_id)s and i.operation = %(operation)s
  and i.player_id > %(after)s and i.player_id <= %(through)s
  and not exists (
      select from ledger_guard.row_left_alone l
      where l.plan_id = i.plan_id and l.operation = i.operation and l.player_id = i.player_id and l.currency = i.currency
  )
order by i.player_id
