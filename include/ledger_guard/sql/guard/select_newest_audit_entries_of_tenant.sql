-- A tenant's newest audit entries of one verb, newest first.
-- Parameters: tenant_id, verb, before (sequence; null: the end), limit. Rows: 0..limit. Index relied on: audit_entry_by_tenant_and_verb.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
where tenant_id = %(tenant_id)s and verb = %(verb)s and (%(before)s::bigint is null or sequence < %(before)s::bigint)
order by sequence desc
limit %(limit)s
