-- Keep a question from being voided or closed while it is answered.
-- Parameters: approval_id (uuid). Rows: one or none. Index relied on: primary key of approval.
select voided, orphaned_at
from ledger_guard.approval
where approval_id = %(approval_id)s
for update
