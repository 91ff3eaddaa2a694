-- A change is confirmed by instances and a canary; without them it is unconfirmed; what shows otherwise is not in effect.
set local lock_timeout = '10s';
set local statement_timeout = '60s';

alter table ledger_guard.flag_change add column finding text not null default '';
alter table ledger_guard.flag_change drop constraint flag_change_status_check;
-- until now `unconfirmed` meant that reading back had shown another value
update ledger_guard.flag_change set status = 'not_in_effect' where status = 'unconfirmed';
alter table ledger_guard.flag_change add constraint flag_change_status_check
    check (status in ('applied', 'confirmed', 'unconfirmed', 'not_in_effect'));
