-- Sum up the readings of a range by trigger, tenant, day and hour (UTC). Run again it gives the same sums.
-- Parameters: starts, ends (timestamptz, whole days, half-open). Rows: none; affects one a trigger, tenant and day.
-- Index relied on: none, it reads the range. Sums are bounded by the windows of an hour.
insert into ledger_guard.reading_hours (trigger, day, tenant_id, hours, windows, events, exposure)
select
    trigger, day, tenant_id,
    array_agg(hour order by hour), array_agg(windows order by hour), array_agg(events order by hour), array_agg(exposure order by hour)
from (
    select
        trigger,
        date_trunc('day', window_start, 'UTC') as day,
        tenant_id,
        extract(hour from window_start at time zone 'UTC')::smallint as hour,
        count(*)::smallint as windows,
        sum(events)::bigint as events,
        sum(exposure)::bigint as exposure
    from ledger_guard.signal_window
    where window_start >= %(starts)s and window_start < %(ends)s
    group by 1, 2, 3, 4
) as by_hour
group by 1, 2, 3
on conflict (trigger, day, tenant_id) do update
set hours = excluded.hours, windows = excluded.windows, events = excluded.events, exposure = excluded.exposure
