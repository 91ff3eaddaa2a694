-- The newest audit entries, newest first, the detail both as it was hashed and as it is queried.
-- Parameters: limit (rows at most). Rows: 0..limit. Index relied on: primary key, read backwards.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
order by sequence desc
limit %(limit)s
