-- Audit entries of one verb whose subject is of one kind (`plan:…`), in order. The character behind `:` is `;`.
-- Parameters: kind, verb. Rows: one an entry. Index relied on: audit_entry_by_subject.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
where verb = %(verb)s
  and subject collate "C" >= %(kind)s::text || ':' and subject collate "C" < %(kind)s::text || ';'
order by sequence
