-- Actions of an incident in order of start.
-- Parameters: incident_id (uuid). Rows: one an action. Index relied on: none, an incident has few.
select action_id, incident_id, kind, target, status, started_at, finished_at, run_id, outcome, detail
from ledger_guard.action
where incident_id = %(incident_id)s
order by started_at, position
