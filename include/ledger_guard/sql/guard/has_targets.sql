-- Whether a plan's rows keep targets; those of plans made earlier don't.
-- Parameters: plan_id (uuid). Rows: exactly one. Index relied on: primary key of plan_row.
select not exists (select from ledger_guard.plan_row where plan_id = %(plan_id)s and reason is null) as has_targets
