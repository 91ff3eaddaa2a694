-- Store the windows that were not known, and mark them new.
-- Parameters: none. Rows: none. Index relied on: primary keys of sensed_window and given_window.
with stored as (
    insert into ledger_guard.sensed_window (trigger, window_start, window_seconds, state, reason, sensed_at, revision)
    select trigger, window_start, window_seconds, state, reason, sensed_at, 0
    from pg_temp.given_window
    on conflict (trigger, window_start) do nothing
    returning trigger, window_start
)
update pg_temp.given_window as given
set is_new = true
from stored
where given.trigger = stored.trigger and given.window_start = stored.window_start
