-- A plan's rows by state.
-- Parameters: plan_id (uuid). Rows: one a state. Index relied on: plan_row_by_state.
select state, count(*) as rows
from ledger_guard.plan_row
where plan_id = %(plan_id)s
group by state
order by state
