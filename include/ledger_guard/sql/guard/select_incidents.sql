-- Incidents, newest first.
-- Parameters: include_resolved (boolean), limit (rows). Rows: at most `limit`. Index relied on: none, incidents are few.
select
    incident_id, trigger, status, severity, scope, tenants, opened_at, first_window_start, last_alarm_window_start,
    healthy_tenants, quiet_windows, mitigated_at, resolved_at, summary, thread_channel, thread_ts, version
from ledger_guard.incident
where %(include_resolved)s or status <> 'resolved'
order by opened_at desc, position desc
limit %(limit)s
