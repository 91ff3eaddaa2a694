-- Purpose: leave that was given in a span and that no run made use of, told or not. Parameters: after, before (timestamptz).
-- Rows: oldest first, at most a hundred. Index: run_grant_never_begun.
select run_id, purpose, dag_id, conf, requested_by, incident_id, granted_at, begun_at, told_at
from ledger_guard.run_grant
where begun_at is null and granted_at >= %(after)s and granted_at < %(before)s
order by granted_at, run_id
limit 100
