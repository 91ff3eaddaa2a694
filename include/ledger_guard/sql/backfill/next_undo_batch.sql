-- Purpose: where the next batch of a plan to be undone ends. Parameters: plan_id (uuid), after (text, the last player id that
-- is settled), limit (rows). Rows: exactly one; through is null when no row waits. Index: before_image's unique (plan,
-- operation, player, currency).
select max(player_id) as through, count(*) as rows
from (
    select i.player_id
    from ledger_guard.before_image i
    where i.plan_id = %(plan_id)s and i.operation = 'force' and i.player_id > %(after)s
      and not exists (
          select from ledger_guard.row_left_alone l
          where l.plan_id = i.plan_id and l.operation = 'force' and l.player_id = i.player_id and l.currency = i.currency
      )
    order by i.player_id
    limit %(limit)s
) batch
