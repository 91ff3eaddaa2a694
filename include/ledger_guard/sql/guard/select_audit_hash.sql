-- The hash of one audit entry.
-- Parameters: sequence. Rows: 0..1. Index relied on: primary key of audit_entry.
select entry_hash
from ledger_guard.audit_entry
where sequence = %(sequence)s
