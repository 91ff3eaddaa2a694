-- Purpose: readings of an access-event trigger for many windows at once: its failures out of the requests that reached the
-- check. Other answers of the same path (429, 403, another 400) never reached it and count nowhere.
-- Parameters: window_length (interval), start, end (timestamptz, half-open, on the window grid), method, path (text),
-- path_is_prefix (boolean), status (integer), error_code (text), most_cents (bigint).
-- Rows: one a window and tenant that had any exposure; cents is what the failures asked for (most_cents at most, null where no
-- amount of theirs is known), without_amount how many of them have none. Index: access_event_by_time.
select
    to_timestamp(floor(extract(epoch from event_time)::float8 / extract(epoch from %(window_length)s::interval)::float8)
        * extract(epoch from %(window_length)s::interval)::float8) as window_start,
    tenant_id,
    count(*) filter (where status = %(status)s and error_code = %(error_code)s) as events,
    count(*) as exposure,
    count(distinct subject_id) filter (where status = %(status)s and error_code = %(error_code)s) as subjects,
    case when count(amount_cents) filter (where status = %(status)s and error_code = %(error_code)s) > 0 then
        least(sum(amount_cents) filter (where status = %(status)s and error_code = %(error_code)s), %(most_cents)s)::bigint
    end as cents,
    count(*) filter (where status = %(status)s and error_code = %(error_code)s and amount_cents is null) as without_amount
from ledger_guard.access_event
where event_time >= %(start)s
  and event_time < %(end)s
  and method = %(method)s
  and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
  and (status between 200 and 299 or (status = %(status)s and error_code = %(error_code)s))
group by 1, 2
order by 1, 2
