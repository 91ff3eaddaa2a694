-- Purpose: players of whom a row of this table was written by a transaction that the comparison before may not have seen.
-- Placeholders: table, tenant, moved_player. Parameters: oldest_open (text: a transaction's 32-bit number), at_most.
-- Rows: one a player. Reads the table once, without an index. A frozen row keeps its number, which may look like a later one: no row
-- that can be seen is younger than the next transaction, so an age below 0 is that of such an old row.
select distinct {tenant} as tenant_id, {moved_player} as player_id
from {table}
where age(xmin) between 0 and age(%(oldest_open)s::text::xid)
limit %(at_most)s
