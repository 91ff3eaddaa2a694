-- Whether guard state was ever migrated here: the version table's oid, null when there is none.
-- Parameters: none. Rows: exactly one. Index: the catalogue's own.
select to_regclass('ledger_guard.schema_version') as version_table
