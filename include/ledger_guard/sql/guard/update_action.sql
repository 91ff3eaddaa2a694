-- Record how an action ended.
-- Parameters: action_id (uuid), status, finished_at, run_id, outcome, detail (jsonb). Rows: one or none. Index relied on: primary key of action.
update ledger_guard.action
set status = %(status)s, finished_at = %(finished_at)s, run_id = %(run_id)s, outcome = %(outcome)s, detail = %(detail)s
where action_id = %(action_id)s
returning action_id
