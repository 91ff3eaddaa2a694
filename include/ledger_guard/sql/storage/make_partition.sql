-- Make a partition, and move into it what lies in the default one. Parameters: table_name (text), starts, ends (timestamptz).
-- Rows: one, with the number of moved rows; 0 when the partition is there already. The function of migration 0020 does it.
select ledger_guard.make_partition(%(table_name)s, %(starts)s, %(ends)s) as moved
