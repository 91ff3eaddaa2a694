-- Store the given verdicts; a later judgement of the same tenant and window replaces the earlier.
-- A verdict that hangs on an incident stays there: it is part of how that incident was decided.
-- Parameters: incident_id (uuid or null). Rows: none. Index relied on: primary key of verdict.
insert into ledger_guard.verdict as stored
    (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons, incident_id)
select distinct on (trigger, window_start, tenant_id)
    trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons, %(incident_id)s::uuid
from pg_temp.given_verdict
order by trigger, window_start, tenant_id, position desc
on conflict (trigger, window_start, tenant_id) do update
set window_seconds = excluded.window_seconds,
    severity = excluded.severity,
    scope = excluded.scope,
    sentence = excluded.sentence,
    reasons = excluded.reasons,
    incident_id = coalesce(stored.incident_id, excluded.incident_id)
