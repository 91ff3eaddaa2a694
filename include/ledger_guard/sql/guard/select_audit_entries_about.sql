-- Audit entries of one subject with one of these verbs, in order.
-- Parameters: subject, verbs (text array). Rows: one an entry. Index relied on: audit_entry_by_subject.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
where subject collate "C" = %(subject)s and verb = any(%(verbs)s::text[])
order by sequence
