-- Begin a look, unless another began less than a span ago (or, as clocks differ, ahead). Of several at once one gets a row.
-- Parameters: at (timestamptz), every (interval). Rows: one when this one may look, else none. Index relied on: primary key.
insert into ledger_guard.last_look as last (looked_at)
values (%(at)s)
on conflict (is_the_only_row) do update
set looked_at = excluded.looked_at
where last.looked_at <= excluded.looked_at - %(every)s::interval or last.looked_at >= excluded.looked_at + %(every)s::interval
returning looked_at
