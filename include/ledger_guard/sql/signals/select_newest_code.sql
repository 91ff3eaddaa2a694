-- Purpose: when the newest error of a trigger's requests that has an error code came.
-- Parameters: start, end (timestamptz, half-open), method, path (text), path_is_prefix (boolean).
-- Rows: one, or none. Index: access_event_by_time, from the end backwards.
select event_time as coded_at
from ledger_guard.access_event
where event_time >= %(start)s
  and event_time < %(end)s
  and method = %(method)s
  and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
  and status >= 400
  and error_code is not null
order by event_time desc
limit 1
