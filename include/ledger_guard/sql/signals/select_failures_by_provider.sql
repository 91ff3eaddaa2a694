-- Purpose: webhook calls that obey the flag, by provider, and their failures by error code.
-- Parameters: start, end (timestamptz, half-open), method, path (text), path_is_prefix (boolean), status (integer).
-- Calls are counted from the provider's first refusal on, those of a provider that was never refused from the first refusal of
-- any: what was accepted before signatures were enforced says nothing of what happens since; it is told apart.
-- Rows: one a provider and error code of its failures, or one without failures; most failures first. A call without a
-- provider counts under '(unknown)', a failure without a code under '(none)' or '(not logged)'. Index: access_event_by_time.
with calls as (
    select
        coalesce(provider, '(unknown)') as provider,
        event_time,
        status = %(status)s as is_failure,
        coalesce(error_code, case when error_code_is_known then '(none)' else '(not logged)' end) as error_code
    from ledger_guard.access_event
    where event_time >= %(start)s
      and event_time < %(end)s
      and method = %(method)s
      and (path = %(path)s or (%(path_is_prefix)s and starts_with(path, %(path)s)))
      and (status between 200 and 299 or status = %(status)s)
), first_refusals as (
    select
        provider,
        min(event_time) filter (where is_failure) as own,
        min(min(event_time) filter (where is_failure)) over () as of_any
    from calls
    group by provider
), totals as (
    select
        c.provider,
        count(*) filter (where c.event_time >= coalesce(f.own, f.of_any, c.event_time)) as calls,
        count(*) filter (where c.event_time < coalesce(f.own, f.of_any, c.event_time)) as calls_before,
        min(c.event_time) as first_call
    from calls c
    join first_refusals f on f.provider = c.provider
    group by c.provider
), failed as (
    select
        provider,
        error_code,
        count(*) as failures,
        min(event_time) as first_seen
    from calls
    where is_failure
    group by provider, error_code
)
select
    t.provider,
    coalesce(f.error_code, '') as error_code,
    coalesce(f.failures, 0) as failures,
    t.calls,
    t.calls_before,
    coalesce(f.first_seen, t.first_call) as first_seen
from totals t
left join failed f on f.provider = t.provider
order by failures desc, t.provider, error_code
