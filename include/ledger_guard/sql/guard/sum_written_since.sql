-- What force and undo wrote to all tenants after a moment, a minute and tenant each; announced writes count as made.
-- Parameters: since (timestamptz). Rows: one a minute and tenant; at: the minute's end, so that nothing seems older than it is;
-- cents: amounts moved, each of a row's two by itself. Index relied on: before_image_by_time.
select
    date_trunc('minute', written_at) + interval '1 minute' as at,
    tenant_id,
    count(*) as rows,
    sum(
        abs(round(coalesce(after_available, 0)::numeric * 100) - round(coalesce(before_available, 0)::numeric * 100))
        + abs(round(coalesce(after_pending, 0)::numeric * 100) - round(coalesce(before_pending, 0)::numeric * 100))
    )::bigint as cents
from ledger_guard.before_image
where written_at > %(since)s
group by 1, 2
order by 1, 2
