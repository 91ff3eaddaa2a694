-- Whether a change is recorded.
-- Parameters: change_id (uuid). Rows: one or none. Index relied on: primary key of flag_change.
select change_id
from ledger_guard.flag_change
where change_id = %(change_id)s
