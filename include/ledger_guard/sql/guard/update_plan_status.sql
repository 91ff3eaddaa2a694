-- Record how far a plan is.
-- Parameters: plan_id (uuid), status. Rows: one or none. Index relied on: primary key of plan.
update ledger_guard.plan
set status = %(status)s
where plan_id = %(plan_id)s
returning plan_id
