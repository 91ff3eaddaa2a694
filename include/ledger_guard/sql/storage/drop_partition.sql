-- Drop a partition whose newest row is older than keep_days by the server's clock. Parameters: partition_name (text), keep_days
-- (integer). Rows: one; false when there is no such partition or it is younger. The function of migration 0020 does it.
select ledger_guard.drop_partition(%(partition_name)s, %(keep_days)s) as is_dropped
