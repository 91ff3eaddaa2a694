-- What plans that force has begun have still to write. One that expired and has not written within the hour can't go on.
-- Parameters: without (uuid), now (timestamptz). Rows: one a plan; cents: amounts that its waiting rows would move.
-- Index relied on: plan_being_forced, then the primary keys of backfill_progress and plan_row.
select
    p.tenant_id,
    count(*) as rows,
    sum(
        abs(r.target_available - coalesce(r.wallet_available, 0)) + abs(r.target_pending - coalesce(r.wallet_pending, 0))
    )::bigint as cents
from ledger_guard.plan p
left join ledger_guard.backfill_progress g on g.plan_id = p.plan_id and g.operation = 'force'
join ledger_guard.plan_row r
    on r.plan_id = p.plan_id and r.player_id > coalesce(g.through_player_id, '') and ledger_guard.is_writable(r.cause)
where p.status = 'forcing'
  and p.plan_id <> %(without)s
  and (p.expires_at >= %(now)s or g.updated_at > %(now)s - interval '1 hour')
group by p.plan_id, p.tenant_id
