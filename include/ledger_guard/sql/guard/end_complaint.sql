-- Remember that it does not stand any more.
-- Parameters: kind, about, at (timestamptz). Rows: none. Index relied on: primary key of complaint.
update ledger_guard.complaint
set over_at = %(at)s
where kind = %(kind)s and about = %(about)s and over_at is null
