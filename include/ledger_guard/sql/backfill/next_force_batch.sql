-- Purpose: where the next batch of a plan to be forced ends. Parameters: plan_id (uuid), after (text, the last player id that
-- is settled), limit (rows). Rows: exactly one; through is null when no row waits. Index: plan_row's primary key.
select max(player_id) as through, count(*) as rows
from (
    select player_id
    from ledger_guard.plan_row
    where plan_id = %(plan_id)s and player_id > %(after)s and ledger_guard.is_writable(cause)
    order by player_id
    limit %(limit)s
) batch
