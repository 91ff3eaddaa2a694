-- Store a new incident unless its trigger has an unresolved one.
-- Parameters: every column. Rows: one when stored, else none. Index relied on: incident_one_unresolved.
insert into ledger_guard.incident (
    incident_id, trigger, status, severity, scope, tenants, opened_at, first_window_start, last_alarm_window_start,
    healthy_tenants, quiet_windows, mitigated_at, resolved_at, summary, thread_channel, thread_ts, version
)
values (
    %(incident_id)s, %(trigger)s, %(status)s, %(severity)s, %(scope)s, %(tenants)s, %(opened_at)s, %(first_window_start)s,
    %(last_alarm_window_start)s, %(healthy_tenants)s, %(quiet_windows)s, %(mitigated_at)s, %(resolved_at)s, %(summary)s, %(thread_channel)s,
    %(thread_ts)s, %(version)s
)
on conflict do nothing
returning incident_id
