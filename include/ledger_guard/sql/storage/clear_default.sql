-- Delete old rows from a table's default partition. Parameters: table_name (text), before (timestamptz), at_most (integer).
-- Rows: one, with the number of deleted rows. The function of migration 0020 does it.
select ledger_guard.clear_default(%(table_name)s, %(before)s, %(at_most)s) as cleared
