-- The action that stands in the way of recording this one: the same id, or the same kind and target unfinished.
-- Parameters: action_id, incident_id (uuid), kind, target. Rows: one. Index relied on: primary key of action, action_one_unfinished.
select action_id, incident_id, kind, target, status, started_at, finished_at, run_id, outcome, detail
from ledger_guard.action
where action_id = %(action_id)s
   or (incident_id = %(incident_id)s and kind = %(kind)s and target = %(target)s and status = 'started')
order by action_id = %(action_id)s desc
limit 1
