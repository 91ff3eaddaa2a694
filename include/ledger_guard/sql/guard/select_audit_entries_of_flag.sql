-- Audit entries of one verb about a flag, in whatever scope, in order. The character behind `@` is `A`.
-- Parameters: flag, verb, since (timestamptz; null: all). Rows: one an entry. Index relied on: audit_entry_by_subject.
select sequence, verb, actor, subject, detail_text, detail::text as detail_json, at, incident_id, tenant_id, previous_hash, entry_hash,
       key_id, mac
from ledger_guard.audit_entry
where verb = %(verb)s
  and subject collate "C" >= 'flag:' || %(flag)s::text || '@' and subject collate "C" < 'flag:' || %(flag)s::text || 'A'
  and (%(since)s::timestamptz is null or at > %(since)s::timestamptz)
order by sequence
