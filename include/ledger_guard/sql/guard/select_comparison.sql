-- Purpose: what a trigger's newest comparison left. Parameters: trigger. Rows: at most one.
select window_end, whole_end, settings, place, oldest_open, deleted_rows, too_many
from ledger_guard.comparison
where trigger = %(trigger)s
