-- Windows that are read again may have none left of tenants that the platform does not have.
-- Parameters: trigger (text), start, end (timestamptz, half-open). Returns no rows. Index: set_apart's primary key.
update ledger_guard.set_apart
set tenants = 0, events = 0, exposure = 0
where signal_trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
