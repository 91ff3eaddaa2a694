-- The end of the audit log's chain, as kept apart from the entries.
-- Parameters: none. Rows: exactly one. Index relied on: none, the table has one row.
select sequence, entry_hash
from ledger_guard.audit_head
