-- Remember that it does not stand any more.
-- Parameters: kind, about, at (timestamptz). Rows: none. Index relied on: primary key of guard_alert.
update ledger_guard.guard_alert
set over_at = %(at)s
where kind = %(kind)s and about = %(about)s and over_at is null
