-- Purpose: who is behind a trigger's failures, most failures first within each tenant.
-- Parameters: start, end (timestamptz, half-open), tenants (text[]), method, path (text), path_is_prefix (boolean),
-- status (integer), error_code (text), at_most (integer, subjects a tenant).
-- Rows: at most `at_most` a tenant; failures without a subject are left out. Index: access_event_by_time.
with counted as (
    select
        tenant_id,
        subject_id,
        count(*) as events,
        min(amount_cents) as smallest_asked,
        row_number() over (partition by tenant_id order by count(*) desc, subject_id) as place
    from ledger_guard.access_event
    where event_time >= %(start)s
      and event_time < %(end)s
      and tenant_id = any(%(tenants)s)
      and method = %(method)s
      and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
      and status = %(status)s
      and error_code = %(error_code)s
      and subject_id is not null
    group by tenant_id, subject_id
)
select tenant_id, subject_id, events, smallest_asked
from counted
where place <= %(at_most)s
order by tenant_id, place
