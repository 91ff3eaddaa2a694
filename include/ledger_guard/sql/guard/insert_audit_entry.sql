-- Add an entry to the audit log.
-- Both details come from one text; without the cast to text first, jsonb would respell the one that is hashed.
-- Parameters: every column; detail_text is the very text that was hashed. Rows: none. Index relied on: primary key of audit_entry.
insert into ledger_guard.audit_entry (
    sequence, verb, actor, subject, detail, detail_text, at, incident_id, tenant_id, previous_hash, entry_hash, key_id, mac
)
values (
    %(sequence)s, %(verb)s, %(actor)s, %(subject)s, %(detail_text)s::text::jsonb, %(detail_text)s::text, %(at)s, %(incident_id)s, %(tenant_id)s,
    %(previous_hash)s, %(entry_hash)s, %(key_id)s, %(mac)s
)
