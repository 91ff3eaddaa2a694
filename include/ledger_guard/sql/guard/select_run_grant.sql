-- Purpose: leave for a purpose, or for a run. Parameters: purpose, or dag_id and run_id; null for the others. Rows: at most one.
-- Index: run_grant's unique purpose and its primary key.
select run_id, purpose, dag_id, conf, requested_by, incident_id, granted_at, begun_at, told_at
from ledger_guard.run_grant
where purpose = %(purpose)s::text or (run_id = %(run_id)s::text and dag_id = %(dag_id)s::text)
