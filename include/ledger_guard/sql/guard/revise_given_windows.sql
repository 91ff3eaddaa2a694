-- Raise the revision of known windows whose readings differ from the given ones, and mark them revised.
-- A window that was complete stays complete: only complete windows revise. Money is that of the counted events: by itself it
-- revises nothing, so that windows stored before it was summed are no late data.
-- Parameters: triggers (text[]), start, end (timestamptz): the given windows are of these and begin in [start, end); by it the
-- planner leaves out partitions and finds the rest by the index.
-- Rows: none. Index relied on: primary keys of sensed_window, signal_window and given_reading.
with revised as (
    update ledger_guard.sensed_window as known
    set state = given.state,
        reason = given.reason,
        window_seconds = given.window_seconds,
        sensed_at = given.sensed_at,
        revision = known.revision + 1
    from pg_temp.given_window as given
    where known.trigger = given.trigger
      and known.window_start = given.window_start
      and not given.is_new
      and given.state = 'complete'
      and (
          known.state <> 'complete'
          or known.window_seconds <> given.window_seconds
          or exists (
              select
              from pg_temp.given_reading as reading
              left join ledger_guard.signal_window as stored
                  on stored.trigger = reading.trigger
                  and stored.window_start = reading.window_start
                  and stored.tenant_id = reading.tenant_id
                  and stored.window_start >= %(start)s and stored.window_start < %(end)s
                  and stored.trigger = any(%(triggers)s)
              where reading.trigger = given.trigger
                and reading.window_start = given.window_start
                and (stored.events, stored.exposure, stored.subjects)
                    is distinct from (reading.events, reading.exposure, reading.subjects)
          )
          or exists (
              select
              from ledger_guard.signal_window as stored
              where stored.trigger = given.trigger
                and stored.window_start = given.window_start
                and stored.window_start >= %(start)s and stored.window_start < %(end)s
                and stored.trigger = any(%(triggers)s)
                and not exists (
                    select
                    from pg_temp.given_reading as reading
                    where reading.trigger = stored.trigger
                      and reading.window_start = stored.window_start
                      and reading.tenant_id = stored.tenant_id
                )
          )
      )
    returning known.trigger, known.window_start
)
update pg_temp.given_window as given
set is_revised = true
from revised
where given.trigger = revised.trigger and given.window_start = revised.window_start
