-- Purpose: the players who differed in a trigger's newest comparison. Parameters: trigger. Rows: one a player.
select tenant_id, player_id
from ledger_guard.standing_mismatch
where trigger = %(trigger)s
