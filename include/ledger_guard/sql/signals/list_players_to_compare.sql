-- Purpose: players whose row was written by a transaction that the comparison before may not have seen, and those whose turn it is.
-- Parameters: oldest_open (text: a transaction's 32-bit number), slices, turn (0 to slices - 1), at_most. Rows: one a player.
-- Reads the table once, without an index; of ages below 0 see list_players_moved.sql.
select {player_tenant} as tenant_id, {player_key} as player_id
from {player}
where age(xmin) between 0 and age(%(oldest_open)s::text::xid)
   or (hashtext({player_key}::text) & 2147483647) %% %(slices)s::integer = %(turn)s::integer
limit %(at_most)s
