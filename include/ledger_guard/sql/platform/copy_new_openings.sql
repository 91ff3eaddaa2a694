-- Purpose: what players held before the ledger whom the guard sees for the first time, over the copy protocol.
-- Parameters: none. Rows: one a player; amounts in cents.
copy (select player_id, available, held from new_opening) to stdout
