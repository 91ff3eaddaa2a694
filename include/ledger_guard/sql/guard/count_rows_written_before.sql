-- How many of a plan's writable rows were written by force for any of these other plans too.
-- Parameters: plan_id (uuid), earlier (uuid array). Rows: exactly one.
-- Index relied on: the primary keys of plan_row and before_image.
select count(*) as rows
from ledger_guard.plan_row r
where r.plan_id = %(plan_id)s
  and ledger_guard.is_writable(r.cause)
  and exists (
      select 1
      from ledger_guard.before_image b
      where b.plan_id = any(%(earlier)s::uuid[])
        and b.operation = 'force'
        and b.player_id = r.player_id
        and b.currency = r.currency
  )
