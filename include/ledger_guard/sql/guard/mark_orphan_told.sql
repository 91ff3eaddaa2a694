-- Remember that people were told of a question whose run has ended; the first time stays.
-- Parameters: approval_id (uuid), at (timestamptz). Rows: none. Index relied on: primary key of approval.
update ledger_guard.approval
set orphan_told_at = %(at)s
where approval_id = %(approval_id)s and orphan_told_at is null
