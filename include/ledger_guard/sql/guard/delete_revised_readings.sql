-- Remove the readings of revised windows; the given ones take their place.
-- Parameters: triggers (text[]), start, end (timestamptz): the given windows are of these and begin in [start, end); by it the
-- planner leaves out partitions and finds the rest by the index. Rows: none. Index relied on: primary key of signal_window.
delete from ledger_guard.signal_window as stored
using pg_temp.given_window as given
where given.is_revised
  and stored.trigger = given.trigger
  and stored.window_start = given.window_start
  and stored.window_start >= %(start)s and stored.window_start < %(end)s
  and stored.trigger = any(%(triggers)s)
