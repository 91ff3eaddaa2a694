-- Put aside the verdicts of a range that are evidence: alarms, and what hangs on an incident. Run again it changes nothing.
-- Parameters: starts, ends (timestamptz, half-open). Rows: none; affects the kept ones. Index relied on: none, it reads the range.
insert into ledger_guard.kept_verdict
    (trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons, incident_id)
select trigger, window_start, tenant_id, window_seconds, severity, scope, sentence, reasons, incident_id
from ledger_guard.verdict
where window_start >= %(starts)s and window_start < %(ends)s
  and (incident_id is not null or severity in ('mild', 'severe'))
on conflict do nothing
