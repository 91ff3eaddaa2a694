-- A plan's rows by cause, currency and class of |delta|.
-- Parameters: plan_id (uuid), class_ends (bigint[], cents, rising). Rows: one a group that has rows; class_end is null beyond
-- the last; amounts in cents. Index relied on: primary key of plan_row.
select cause, currency, is_created, class_end, count(*) as rows,
    coalesce(sum(delta) filter (where delta > 0), 0)::bigint as up_cents,
    coalesce(-sum(delta) filter (where delta < 0), 0)::bigint as down_cents
from (
    select cause, currency, is_created, delta, (%(class_ends)s::bigint[])[width_bucket(abs(delta) - 1, %(class_ends)s::bigint[]) + 1] as class_end
    from (
        select
            cause, currency, wallet_available is null as is_created,
            target_available + target_pending - coalesce(wallet_available, 0) - coalesce(wallet_pending, 0) as delta
        from ledger_guard.plan_row
        where plan_id = %(plan_id)s
    ) as moved
) as classed
group by cause, currency, is_created, class_end
