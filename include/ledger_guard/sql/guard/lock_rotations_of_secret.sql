-- Let one transaction at a time plan or end rotations of a secret; kept until the transaction ends.
-- Parameters: secret_name. Rows: one, without meaning. Index relied on: none.
select pg_advisory_xact_lock(hashtextextended('ledger_guard.rotation_plan ' || %(secret_name)s::text, 0))
