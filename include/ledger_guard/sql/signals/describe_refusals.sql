-- Purpose: what a trigger's refused requests say of themselves: how many, which event ids, from when most of them came.
-- Parameters: start, end, known_from (timestamptz; known_from begins the time in which an accepted id counts as known), method,
-- path (text), path_is_prefix (boolean), status (integer).
-- Rows: exactly one; `most_since` (the moment behind the first tenth of the refusals) is null without refusals.
-- Index: access_event_by_time.
with calls as (
    select event_time, subject_id, status
    from ledger_guard.access_event
    where event_time >= %(known_from)s
      and event_time < %(end)s
      and method = %(method)s
      and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
      and (status between 200 and 299 or status = %(status)s)
), refused as (
    select event_time, subject_id
    from calls
    where status = %(status)s and event_time >= %(start)s
)
select
    count(*) as refused,
    count(*) filter (where subject_id is null) as without_id,
    count(distinct subject_id) as ids,
    count(distinct subject_id) filter (
        where subject_id in (select a.subject_id from calls a where a.status <> %(status)s and a.subject_id is not null)
    ) as known_ids,
    percentile_disc(0.1) within group (order by event_time) as most_since
from refused
