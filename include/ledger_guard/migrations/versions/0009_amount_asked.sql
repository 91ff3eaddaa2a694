-- What a request asked for, in cents, where the log tells: a withdrawal of more than the player has is short of funds whatever the
-- wallet says.
alter table ledger_guard.access_event add column amount_cents bigint;
