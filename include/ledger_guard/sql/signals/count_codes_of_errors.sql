-- Purpose: by window, failures of a trigger that have an empty error code, and when the newest error with a code came.
-- Parameters: window_length (interval), start, end (timestamptz, half-open), method, path (text), path_is_prefix (boolean),
-- status (integer).
-- Rows: one a window with any error of such requests. Index: access_event_by_time.
select
    to_timestamp(floor(extract(epoch from event_time)::float8 / extract(epoch from %(window_length)s::interval)::float8)
        * extract(epoch from %(window_length)s::interval)::float8) as window_start,
    count(*) filter (where status = %(status)s and error_code is null and error_code_is_known) as without_code,
    max(event_time) filter (where error_code is not null) as coded_at
from ledger_guard.access_event
where event_time >= %(start)s
  and event_time < %(end)s
  and method = %(method)s
  and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
  and status >= 400
group by 1
order by 1
