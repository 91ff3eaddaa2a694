-- Void the older questions of a gate that asks again.
-- Parameters: dag_id, run_id, task_id. Rows: none. Index relied on: none, approvals are few.
update ledger_guard.approval
set voided = true
where dag_id = %(dag_id)s and run_id = %(run_id)s and task_id = %(task_id)s and not voided
