-- Purpose: what players of the tenant held before the ledger as the guard saw it first, from the session's own table
-- (create_judged.sql). Rows: at most one a player; amounts in cents.
select player_id, available, held
from seen_opening
