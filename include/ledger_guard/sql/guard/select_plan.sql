-- One plan, without its rows.
-- Parameters: plan_id (uuid). Rows: one or none. Index relied on: primary key of plan.
select
    plan_id, plan_hash, tenant_id, mode, currency, counts, cents, players, guardrails_exceeded, flag_state, policy_hash,
    created_at, expires_at, requested_by, incident_id, status
from ledger_guard.plan
where plan_id = %(plan_id)s
