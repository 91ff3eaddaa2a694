-- A plan's rows by state.
-- Parameters: plan_id (uuid). Rows: one a state. Index relied on: primary key of plan_row, before_image's unique key.
select state, count(*) as rows
from ledger_guard.plan_row_state
where plan_id = %(plan_id)s
group by state
order by state
