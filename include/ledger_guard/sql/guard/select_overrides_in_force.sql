-- Overrides that count at a moment, oldest first.
-- Parameters: now (timestamptz), flag (null: of any flag). Rows: one an override. Index relied on: freeze_override_by_scope.
select override_id, flag, tenant_id, reason, granted_by, granted_at, expires_at, ended_at, ended_by
from ledger_guard.freeze_override
where ended_at is null
  and granted_at <= %(now)s
  and expires_at > %(now)s
  and (%(flag)s::text is null or flag = %(flag)s)
order by granted_at, position
