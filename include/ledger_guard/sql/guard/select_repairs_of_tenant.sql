-- What force wrote to one tenant after a moment, a plan each; whatever was undone since.
-- Which plans wrote to the tenant is what the audit log's entries of each batch say: a plan's own tenant can be edited unnoticed.
-- Parameters: tenant_id (text), since (timestamptz). Rows: one a plan; cents: amounts moved, each of a row's two by itself.
-- Index relied on: audit_entry_by_tenant_and_verb, then the primary key of before_image.
with forced as materialized (
    select distinct case
        -- a subject that is no plan's id is nobody's write, and must not fail the cast
        when subject ~ '^plan:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then substr(subject, length('plan:') + 1)::uuid
    end as plan_id
    from ledger_guard.audit_entry
    where tenant_id = %(tenant_id)s
      and verb = 'force'
      and at > %(since)s
)
select
    b.plan_id,
    %(tenant_id)s::text as tenant_id,
    min(b.written_at) as began_at,
    max(b.written_at) as ended_at,
    count(*) as rows,
    sum(
        abs(round(coalesce(b.after_available, 0)::numeric * 100) - round(coalesce(b.before_available, 0)::numeric * 100))
        + abs(round(coalesce(b.after_pending, 0)::numeric * 100) - round(coalesce(b.before_pending, 0)::numeric * 100))
    )::bigint as cents,
    min(b.actor) as actor
from forced f
join ledger_guard.before_image b on b.plan_id = f.plan_id and b.operation = 'force' and b.written_at > %(since)s
group by b.plan_id
order by ended_at, b.plan_id
