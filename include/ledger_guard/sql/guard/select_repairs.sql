-- What force wrote after a moment, a plan each, of all tenants; whatever was undone since.
-- Parameters: since (timestamptz). Rows: one a plan; cents: amounts moved, each of a row's two by itself.
-- Index relied on: before_image_by_time.
select
    plan_id,
    tenant_id,
    min(written_at) as began_at,
    max(written_at) as ended_at,
    count(*) as rows,
    sum(
        abs(round(coalesce(after_available, 0)::numeric * 100) - round(coalesce(before_available, 0)::numeric * 100))
        + abs(round(coalesce(after_pending, 0)::numeric * 100) - round(coalesce(before_pending, 0)::numeric * 100))
    )::bigint as cents,
    min(actor) as actor
from ledger_guard.before_image
where operation = 'force' and written_at > %(since)s
group by plan_id, tenant_id
order by ended_at, plan_id
