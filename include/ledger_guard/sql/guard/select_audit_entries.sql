-- Audit entries in order of sequence, the detail both as it was hashed and as it is queried.
-- Parameters: incident_id (uuid), tenant_id; null: any. Rows: one an entry. Index relied on: primary key, audit_entry_by_incident, audit_entry_by_tenant.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
where (%(incident_id)s::uuid is null or incident_id = %(incident_id)s::uuid)
  and (%(tenant_id)s::text is null or tenant_id = %(tenant_id)s::text)
order by sequence
