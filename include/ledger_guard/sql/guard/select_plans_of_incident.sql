-- Plans made for an incident, without their rows, oldest first.
-- Parameters: incident_id (uuid). Rows: one a plan. Index relied on: none, they are few.
select
    plan_id, plan_hash, tenant_id, mode, currency, counts, cents, players, guardrails_exceeded, flag_state, policy_hash,
    created_at, expires_at, requested_by, incident_id, status
from ledger_guard.plan
where incident_id = %(incident_id)s
order by created_at, position
