-- How far each operation over a plan has come.
-- Parameters: plan_id (uuid). Rows: at most one an operation, the one begun last first; `rows` are those that force may write, or
-- those that undo may give back. Index relied on: the primary keys of backfill_progress and plan_row.
select
    p.operation,
    case p.operation
        when 'force' then (
            select count(*) from ledger_guard.plan_row r where r.plan_id = p.plan_id and ledger_guard.is_writable(r.cause)
        )
        else (
            select f.done from ledger_guard.backfill_progress f where f.plan_id = p.plan_id and f.operation = 'force'
        )
    end as rows,
    p.done + p.left_alone as settled,
    p.started_at,
    p.updated_at
from ledger_guard.backfill_progress p
where p.plan_id = %(plan_id)s
order by p.started_at desc, p.operation desc
