-- Count what windows have of tenants that the platform does not have; a window that is counted again gets the new numbers.
-- Parameters: trigger (text), window_starts (timestamptz[]), tenants, events, exposures (bigint[]), the same number of each.
-- Returns no rows. Relies on set_apart's primary key.
insert into ledger_guard.set_apart (signal_trigger, window_start, tenants, events, exposure)
select %(trigger)s, given.*
from unnest(%(window_starts)s::timestamptz[], %(tenants)s::bigint[], %(events)s::bigint[], %(exposures)s::bigint[]) as given
on conflict (signal_trigger, window_start) do update
set tenants = excluded.tenants, events = excluded.events, exposure = excluded.exposure
