-- Store a checkpoint of a trigger's engine.
-- Parameters: trigger, judged_through (timestamptz), state (bytea). Rows: none. Index relied on: primary key of engine_checkpoint.
insert into ledger_guard.engine_checkpoint (trigger, judged_through, state)
values (%(trigger)s, %(judged_through)s, %(state)s)
on conflict (trigger, judged_through) do update
set state = excluded.state
