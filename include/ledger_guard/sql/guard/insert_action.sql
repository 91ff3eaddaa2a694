-- Record an action unless the same one is unfinished, or is recorded already.
-- Parameters: every column. Rows: one when stored, else none. Index relied on: action_one_unfinished.
insert into ledger_guard.action (action_id, incident_id, kind, target, status, started_at, finished_at, run_id, outcome, detail)
values (
    %(action_id)s, %(incident_id)s, %(kind)s, %(target)s, %(status)s, %(started_at)s, %(finished_at)s, %(run_id)s, %(outcome)s,
    %(detail)s
)
on conflict do nothing
returning action_id
