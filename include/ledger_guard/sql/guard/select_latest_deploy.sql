-- The newest deploy that had taken place by a moment.
-- Parameters: by (timestamptz). Rows: one or none. Index relied on: deploy_by_time.
select deploy_id, version, deployed_at, recorded_by, recorded_at
from ledger_guard.deploy
where deployed_at <= %(by)s
order by deployed_at desc, position desc
limit 1
