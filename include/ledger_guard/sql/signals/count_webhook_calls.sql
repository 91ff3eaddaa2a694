-- Purpose: a trigger's accepted and refused requests in several spans of time at once, by provider and tenant.
-- Parameters: starts, ends (timestamptz[], half-open, the same number), method, path (text), path_is_prefix (boolean),
-- status (integer).
-- Rows: one a span (its place, counted from 1), provider and tenant that called in it. A call without a provider counts under
-- '(unknown)'. Index: access_event_by_time.
select
    s.place::integer as place,
    coalesce(e.provider, '(unknown)') as provider,
    e.tenant_id,
    count(*) filter (where e.status between 200 and 299) as accepted,
    count(*) filter (where e.status = %(status)s) as refused
from unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) with ordinality as s (span_start, span_end, place)
join ledger_guard.access_event e on e.event_time >= s.span_start and e.event_time < s.span_end
where e.method = %(method)s
  and (e.path = %(path)s or (%(path_is_prefix)s and starts_with(e.path, %(path)s)))
  and (e.status between 200 and 299 or e.status = %(status)s)
group by 1, 2, 3
order by 1, 2, 3
