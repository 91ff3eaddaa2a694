-- Purpose: windows with answers that may be a trigger's failures or their look-alikes: their error code is not known.
-- Parameters: window_length (interval), start, end (timestamptz, half-open), method, path (text), path_is_prefix (boolean),
-- status (integer).
-- Rows: one such window. Index: access_event_by_time.
select
    to_timestamp(floor(extract(epoch from event_time)::float8 / extract(epoch from %(window_length)s::interval)::float8)
        * extract(epoch from %(window_length)s::interval)::float8) as window_start,
    count(*) as answers
from ledger_guard.access_event
where event_time >= %(start)s
  and event_time < %(end)s
  and method = %(method)s
  and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
  and status = %(status)s
  and not error_code_is_known
group by 1
order by 1
