-- One incident.
-- Parameters: incident_id (uuid). Rows: one or none. Index relied on: primary key of incident.
select
    incident_id, trigger, status, severity, scope, tenants, opened_at, first_window_start, last_alarm_window_start,
    healthy_tenants, quiet_windows, mitigated_at, resolved_at, summary, thread_channel, thread_ts, version
from ledger_guard.incident
where incident_id = %(incident_id)s
