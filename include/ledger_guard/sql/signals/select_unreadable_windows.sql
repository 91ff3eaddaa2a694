-- Purpose: windows in which lines that name a trigger's path could not be read, and what share of its requests they may be.
-- Parameters: window_length (interval), start, end (timestamptz, half-open), requests_from, requests_before (timestamptz: a window more on
-- either side), method, path (text), path_is_prefix (boolean).
-- Rows: one such window, with its unreadable lines, the requests that were read, and one of the reasons.
-- Indexes: unreadable_line_by_time; access_event_by_time for such windows alone.
with unreadable as (
    select
        to_timestamp(floor(extract(epoch from near)::float8 / extract(epoch from %(window_length)s::interval)::float8)
            * extract(epoch from %(window_length)s::interval)::float8) as window_start,
        count(*) as lines,
        min(reason) as reason
    from ledger_guard.unreadable_line
    where near >= %(start)s and near < %(end)s and path = %(path)s
    group by 1
)
select u.window_start, u.lines, u.reason, r.requests
from unreadable u
cross join lateral (
    select count(*) as requests
    from ledger_guard.access_event e
    -- the range once more: by it the planner leaves out partitions, as it can by values alone: a sum with an interval it would not
    -- know before it had planned every partition
    where e.event_time >= %(requests_from)s
      and e.event_time < %(requests_before)s
      and e.event_time >= u.window_start
      and e.event_time < u.window_start + %(window_length)s::interval
      and e.method = %(method)s
      and (e.path = %(path)s or (%(path_is_prefix)s and starts_with(e.path, %(path)s)))
) r
order by u.window_start
