-- Verdicts whose window begins in [start, end), by window, then tenant; of dropped partitions those that were kept.
-- Parameters: trigger, start, end (timestamptz). Rows: one a tenant and window. Index relied on: primary keys of verdict and
-- kept_verdict.
select window_start, window_seconds, tenant_id, severity, scope, sentence, reasons
from (
    select window_start, window_seconds, tenant_id, severity, scope, sentence, reasons
    from ledger_guard.verdict
    where trigger = %(trigger)s and window_start >= %(start)s and window_start < %(end)s
    union all
    select k.window_start, k.window_seconds, k.tenant_id, k.severity, k.scope, k.sentence, k.reasons
    from ledger_guard.kept_verdict k
    where k.trigger = %(trigger)s and k.window_start >= %(start)s and k.window_start < %(end)s
      -- put aside, and not deleted yet
      and not exists (
          select
          from ledger_guard.verdict v
          where v.trigger = k.trigger and v.window_start = k.window_start and v.tenant_id = k.tenant_id
            and v.window_start >= %(start)s and v.window_start < %(end)s
      )
) as found
order by window_start, tenant_id collate "C"
