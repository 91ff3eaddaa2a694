-- Remember that people were told; the first time stays.
-- Parameters: kind, about, at (timestamptz). Rows: one when it is known, else none. Index relied on: primary key of guard_alert.
update ledger_guard.guard_alert
set told_at = coalesce(told_at, %(at)s)
where kind = %(kind)s and about = %(about)s
returning kind
