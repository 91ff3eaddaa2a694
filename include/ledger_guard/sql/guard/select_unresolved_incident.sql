-- A trigger's incident that is not resolved.
-- Parameters: trigger. Rows: one or none. Index relied on: incident_one_unresolved.
select
    incident_id, trigger, status, severity, scope, tenants, opened_at, first_window_start, last_alarm_window_start,
    healthy_tenants, quiet_windows, mitigated_at, resolved_at, summary, thread_channel, thread_ts, version
from ledger_guard.incident
where trigger = %(trigger)s and status <> 'resolved'
