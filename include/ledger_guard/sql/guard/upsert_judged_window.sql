-- Store what was judged of a window; a later judgement of the same window replaces the earlier.
-- Parameters: trigger, window_start (timestamptz), revision, quarantined (text[]). Rows: none. Index relied on: primary key of judged_window.
insert into ledger_guard.judged_window (trigger, window_start, revision, quarantined)
values (%(trigger)s, %(window_start)s, %(revision)s, %(quarantined)s)
on conflict (trigger, window_start) do update
set revision = excluded.revision, quarantined = excluded.quarantined
