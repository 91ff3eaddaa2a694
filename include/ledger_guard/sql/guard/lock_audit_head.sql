-- The end of the audit log's chain; the lock puts writers in line until this transaction ends.
-- Parameters: none. Rows: exactly one. Index relied on: none, the table has one row.
select sequence, entry_hash, key_id
from ledger_guard.audit_head
for update
