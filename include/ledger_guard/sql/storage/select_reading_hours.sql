-- Readings summed up by the hour, of hours in [start, end), by hour, then tenant.
-- Parameters: trigger, start, end (timestamptz). Rows: one an hour and tenant. Index relied on: primary key of reading_hours.
select sums.day + each.hour * interval '1 hour' as hour_start, sums.tenant_id, each.windows, each.events, each.exposure
from ledger_guard.reading_hours as sums
cross join lateral unnest(sums.hours, sums.windows, sums.events, sums.exposure) as each (hour, windows, events, exposure)
where sums.trigger = %(trigger)s
  and sums.day > %(start)s::timestamptz - interval '1 day' and sums.day < %(end)s
  and sums.day + each.hour * interval '1 hour' >= %(start)s and sums.day + each.hour * interval '1 hour' < %(end)s
order by hour_start, sums.tenant_id collate "C"
