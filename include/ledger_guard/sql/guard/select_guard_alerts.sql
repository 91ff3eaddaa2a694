-- Alerts that are not over, oldest first. Parameters: none. Rows: one an alert. Index relied on: none, they are few.
select kind, about, since, seen_at, told_at, detail
from ledger_guard.guard_alert
where over_at is null
order by since, kind, about
