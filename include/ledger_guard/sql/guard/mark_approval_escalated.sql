-- Remember that people were reminded of a question; the first reminder stays.
-- Parameters: approval_id (uuid), at (timestamptz). Rows: none. Index relied on: primary key of approval.
update ledger_guard.approval
set escalated_at = %(at)s
where approval_id = %(approval_id)s and escalated_at is null
