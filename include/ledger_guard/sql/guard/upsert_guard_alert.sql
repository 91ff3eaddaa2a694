-- Remember that it stands; what was over begins anew, told to nobody.
-- Parameters: kind, about, detail, at (timestamptz). Rows: one. Index relied on: primary key of guard_alert.
insert into ledger_guard.guard_alert as known (kind, about, since, seen_at, detail)
values (%(kind)s, %(about)s, %(at)s, %(at)s, %(detail)s)
on conflict (kind, about) do update
set since = case when known.over_at is null then known.since else excluded.since end,
    told_at = case when known.over_at is null then known.told_at end,
    seen_at = excluded.seen_at,
    detail = excluded.detail,
    over_at = null
returning kind, about, since, seen_at, told_at, detail
