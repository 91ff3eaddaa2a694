-- Where a webhook call came from, where the log tells: who sends refused calls, and whether any call from there is accepted.
-- Of players' requests it is never kept.
set local lock_timeout = '10s';
alter table ledger_guard.access_event add column source_address inet;
