-- Record a deploy of the platform.
-- Parameters: every column. Rows: none. Index relied on: none.
insert into ledger_guard.deploy (deploy_id, version, deployed_at, recorded_by, recorded_at)
values (%(deploy_id)s, %(version)s, %(deployed_at)s, %(recorded_by)s, %(recorded_at)s)
