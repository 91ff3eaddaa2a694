-- Store a changed incident if it still has the version that was read and is not a second unresolved one of its trigger.
-- Parameters: every column; version is the one that was read. Rows: one when stored, else none. Index relied on: primary key of incident,
-- incident_one_unresolved.
update ledger_guard.incident as stored
set status = %(status)s,
    severity = %(severity)s,
    scope = %(scope)s,
    tenants = %(tenants)s,
    opened_at = %(opened_at)s,
    first_window_start = %(first_window_start)s,
    last_alarm_window_start = %(last_alarm_window_start)s,
    healthy_tenants = %(healthy_tenants)s,
    quiet_windows = %(quiet_windows)s,
    mitigated_at = %(mitigated_at)s,
    resolved_at = %(resolved_at)s,
    summary = %(summary)s,
    thread_channel = %(thread_channel)s,
    thread_ts = %(thread_ts)s,
    version = version + 1
where incident_id = %(incident_id)s
  and version = %(version)s
  and (
      %(status)s = 'resolved'
      or not exists (
          select
          from ledger_guard.incident as other
          where other.trigger = stored.trigger and other.status <> 'resolved' and other.incident_id <> stored.incident_id
      )
  )
returning version
