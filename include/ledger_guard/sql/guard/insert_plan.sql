-- Store a new plan, without its rows.
-- Parameters: every column. Rows: one when stored, none when the id is taken. Index relied on: primary key of plan.
insert into ledger_guard.plan (
    plan_id, plan_hash, tenant_id, mode, currency, counts, cents, players, guardrails_exceeded, flag_state, policy_hash,
    created_at, expires_at, requested_by, incident_id, status
)
values (
    %(plan_id)s, %(plan_hash)s, %(tenant_id)s, %(mode)s, %(currency)s, %(counts)s, %(cents)s, %(players)s, %(guardrails_exceeded)s,
    %(flag_state)s, %(policy_hash)s, %(created_at)s, %(expires_at)s, %(requested_by)s, %(incident_id)s, %(status)s
)
on conflict (plan_id) do nothing
returning plan_id
