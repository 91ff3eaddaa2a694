-- The revision that guard state is at.
-- Parameters: none. Rows: one. Index: none needed, the table has one row.
select version_num from ledger_guard.schema_version
