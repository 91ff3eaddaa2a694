-- Purpose: what the newest comparison of a trigger leaves for the next; the one before is replaced.
-- Parameters: trigger and the columns.
insert into ledger_guard.comparison (trigger, window_end, whole_end, settings, place, oldest_open, deleted_rows, too_many)
values (
    %(trigger)s, %(window_end)s, %(whole_end)s, %(settings)s, %(place)s, %(oldest_open)s, %(deleted_rows)s, %(too_many)s
)
on conflict (trigger) do update
set window_end = excluded.window_end, whole_end = excluded.whole_end, settings = excluded.settings, place = excluded.place,
    oldest_open = excluded.oldest_open, deleted_rows = excluded.deleted_rows, too_many = excluded.too_many
