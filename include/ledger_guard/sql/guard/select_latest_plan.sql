-- A tenant's newest plan, without its rows.
-- Parameters: tenant_id. Rows: one or none. Index relied on: plan_by_tenant.
select
    plan_id, plan_hash, tenant_id, mode, currency, counts, cents, players, guardrails_exceeded, flag_state, policy_hash,
    created_at, expires_at, requested_by, incident_id, status
from ledger_guard.plan
where tenant_id = %(tenant_id)s
order by created_at desc, position desc
limit 1
