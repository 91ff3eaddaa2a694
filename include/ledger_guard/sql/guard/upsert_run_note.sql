-- Purpose: keep what a task left for the other tasks of its run. Parameters: the columns of run_note. Index: primary key.
insert into ledger_guard.run_note (dag_id, run_id, name, content, left_at)
values (%(dag_id)s, %(run_id)s, %(name)s, %(content)s, %(left_at)s)
on conflict (dag_id, run_id, name) do update set content = excluded.content, left_at = excluded.left_at
