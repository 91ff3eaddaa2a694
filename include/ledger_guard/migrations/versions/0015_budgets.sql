-- Budgets sum what was written within a day, whatever plans there were before, and what is being written.
create index before_image_by_time on ledger_guard.before_image (written_at);
create index plan_being_forced on ledger_guard.plan (plan_id) where status = 'forcing';
