-- Close a question whose run has ended, unless it is answered, void or closed.
-- Parameters: approval_id (uuid), at (timestamptz). Rows: its id when it was closed now, else none. Index relied on: primary keys of
-- approval and approval_answer.
update ledger_guard.approval as asked
set orphaned_at = %(at)s
where asked.approval_id = %(approval_id)s
  and not asked.voided
  and asked.orphaned_at is null
  and not exists (select from ledger_guard.approval_answer as given where given.approval_id = asked.approval_id)
returning asked.approval_id
