-- Save the severity engine's state.
-- Parameters: trigger, judged_through, judged_at (timestamptz), state (bytes). Rows: none. Index relied on: primary key of engine_state.
insert into ledger_guard.engine_state (trigger, judged_through, judged_at, state)
values (%(trigger)s, %(judged_through)s, %(judged_at)s, %(state)s)
on conflict (trigger) do update
set judged_through = excluded.judged_through, judged_at = excluded.judged_at, state = excluded.state
