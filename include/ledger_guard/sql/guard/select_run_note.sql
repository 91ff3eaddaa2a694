-- Purpose: what a task left. Parameters: dag_id, run_id, name. Rows: at most one. Index: primary key.
select content
from ledger_guard.run_note
where dag_id = %(dag_id)s and run_id = %(run_id)s and name = %(name)s
