-- Move the end of the chain to the entry just added.
-- Parameters: sequence, entry_hash, key_id. Rows: none. Index relied on: none, the table has one row.
update ledger_guard.audit_head
set sequence = %(sequence)s, entry_hash = %(entry_hash)s, key_id = %(key_id)s
