-- Forget what was judged of windows that begin before a moment: they are not judged again.
-- Parameters: trigger, moment (timestamptz). Rows: none. Index relied on: primary key of judged_window.
delete from ledger_guard.judged_window
where trigger = %(trigger)s and window_start < %(moment)s
