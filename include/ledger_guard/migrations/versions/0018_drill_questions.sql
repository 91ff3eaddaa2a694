-- A drill asks its question through the same gate; no task that writes looks for an answer of this kind.
set local lock_timeout = '10s';
set local statement_timeout = '60s';

alter table ledger_guard.approval drop constraint approval_kind_check;
alter table ledger_guard.approval add constraint approval_kind_check
    check (kind in ('backfill_force', 'backfill_undo', 'flag_rollback', 'flag_restore', 'drill'));
